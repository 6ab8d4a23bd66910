"""The same image on Vertex AI and on SageMaker: what they set in place of this server's options, and what they ask.

Not here: how a prediction is made; their routes lead to the one that KServe's lead to.

Sources: "Custom container requirements" for Vertex AI
(https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements) and "Custom Inference Code with
Hosting Services" for SageMaker (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..serving.routes import Route

if TYPE_CHECKING:  # config.py must have run before KServe is imported
    from fastapi import FastAPI

    from .model import ServingDataPlane
    from .repository import ServingModelRepository


def defaults(arguments: list[str]) -> dict[str, str]:
    """The options that Vertex AI or SageMaker decides, if the server runs there.

    SageMaker starts an image with the one argument `serve`, which is taken off `arguments`.
    """
    variables = os.environ
    if arguments[:1] == ["serve"]:
        del arguments[0]
        found = {
            "model_dir": "/opt/ml/model",
            # Both are set where several containers share an endpoint.
            "http_port": variables.get("SAGEMAKER_BIND_TO_PORT", ""),
            "grpc_port": variables.get("SAGEMAKER_SAFE_PORT_RANGE", "").partition("-")[0],
        }
    elif "AIP_HTTP_PORT" in variables:
        found = {"model_dir": variables.get("AIP_STORAGE_URI", ""), "http_port": variables["AIP_HTTP_PORT"]}
    else:
        return {}
    # Their URLs have no model's name in them.
    return {**found, "model_name": variables.get("MODEL_NAME") or "model"}


def add_health_checks(app: FastAPI, dataplane: ServingDataPlane) -> None:
    """Answer their health checks: 200 when the server is ready, else 503."""
    from fastapi import Response

    async def health() -> Response:
        return Response(status_code=200 if await dataplane.ready() else 503)

    for path in filter(None, ("/ping", os.environ.get("AIP_HEALTH_ROUTE"))):
        app.add_api_route(path, health, response_class=Response, response_model=None, include_in_schema=False)


def predict_routes(repository: ServingModelRepository) -> dict[str, Route]:
    """Their paths for predictions, and what each of them asks.

    None where several models are served: a request would not say which it means.
    """
    names = list(repository.get_models())
    paths = filter(None, ("/invocations", os.environ.get("AIP_PREDICT_ROUTE")))
    return {path: Route(names[0], "v2") for path in paths if len(names) == 1}
