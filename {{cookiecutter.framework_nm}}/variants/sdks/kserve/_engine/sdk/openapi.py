"""The Swagger page's content: KServe's routes, with this server's model and a request that works filled in."""

from __future__ import annotations

import copy
import json
from typing import Any

import kserve
from fastapi import FastAPI

_PREDICT = ("/v1/models/{model_name}:predict", "/v2/models/{model_name}/infer")


def show_example(app: FastAPI, repository: kserve.ModelRepository) -> None:
    """Make /docs propose the name and the input.json of a model that is served."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        schema = copy.deepcopy(describe())
        # Asked for each time: a model that is kept here would never be freed.
        model = next(iter(repository.get_models().values()), None)
        if model is None:
            return schema
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    if parameter["name"] == "model_name":
                        parameter["example"] = model.name
            if path in _PREDICT:
                body = {"schema": {"type": "object"}, "example": json.loads(model.example)}
                operations["post"]["requestBody"] = {"required": True, "content": {"application/json": body}}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
