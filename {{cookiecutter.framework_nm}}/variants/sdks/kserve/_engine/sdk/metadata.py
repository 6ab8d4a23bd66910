"""What models there are and what they take and give, over REST: the metadata of V2, and the repository's index.

KServe's own answers have no place for the labels, the columns of a matrix and how they are spelt, and it has no index.
Not here: the metadata over gRPC.
"""

import asyncio

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from .model import ServingDataPlane
from .repository import ServingModelRepository


def add_metadata(app: FastAPI, dataplane: ServingDataPlane, repository: ServingModelRepository) -> None:
    """Answer in place of KServe's route for a model's metadata, and add the index of Triton's repository extension.

    Call it before KServe adds its own: the first route of a path is the one that answers.
    """

    async def server() -> JSONResponse:
        return JSONResponse(dataplane.metadata())

    async def metadata(model_name: str) -> JSONResponse:
        found = await dataplane.model_metadata(model_name)
        model = dataplane.get_model_from_registry(model_name)
        forms = {column.name: column.form for column in model.signature.columns if column.form is not None}
        for tensor in found["inputs"]:
            if tensor["name"] in forms:
                tensor["parameters"] = {"expected": forms[tensor["name"]].expected}
        if not model.signature.tensor and len(found["inputs"][0]["shape"]) == 2:
            found["inputs"][0]["parameters"] = {"columns": model.signature.names}
        labels = model.labels
        if labels is not None:
            proba = (output for output in found["outputs"] if output["name"] == "predict_proba")
            for output in proba:
                output["parameters"] = {"labels": labels}
        return JSONResponse(found)

    async def index(request: Request) -> JSONResponse:
        try:
            asked = orjson.loads(await request.body() or b"{}")
        except ValueError as error:
            return JSONResponse({"error": f"the body is not JSON: {error}"}, 400)
        except ClientDisconnect:
            return JSONResponse({"error": "the body did not arrive"}, 400)
        if not isinstance(asked, dict) or not isinstance(asked.get("ready", False), bool):
            return JSONResponse({"error": 'expected {"ready": true or false}, or no body'}, 400)
        entries = await asyncio.to_thread(repository.index)
        return JSONResponse([entry for entry in entries if entry["state"] == "READY" or not asked.get("ready")])

    app.add_api_route("/v2/", server, response_model=None, include_in_schema=False)  # as the protocol's document has it
    app.add_api_route("/v2/models/{model_name}", metadata, response_model=None, tags=["V2"])
    app.add_api_route("/v2/repository/index", index, methods=["POST"], response_model=None, tags=["V2"])
