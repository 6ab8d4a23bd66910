"""The Swagger page's content: KServe's routes, with this server's model and a request that works filled in."""

from __future__ import annotations

import copy
import json
from typing import Any

from fastapi import FastAPI

from .model import ServingModel

_PREDICT = ("/v1/models/{model_name}:predict", "/v2/models/{model_name}/infer")


def show_example(app: FastAPI, model: ServingModel) -> None:
    """Make /docs propose the model's name and its input.json."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        schema = copy.deepcopy(describe())
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
