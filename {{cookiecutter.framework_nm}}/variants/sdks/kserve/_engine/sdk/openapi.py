"""The OpenAPI document of this server: the routes of each model that it serves, and those that all servers have.

It is made when it is asked for, from the models that are loaded then: no model is kept. What a model's requests and
answers look like is in protocol/schemas.py; routes that the owner adds stay as FastAPI describes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import FastAPI

from ..protocol import schemas
from ..protocol.media import CSV, JSON_LINES
from ..serving.routes import Route
from .model import ServingModel
from .repository import ServingModelRepository

Described = dict[str, Any]

#: The tag of what does not depend on a model; no model is called that.
_SERVER = "this server"
_JSON = "application/json"
_STATUSES = {
    400: "The request does not fit; the message says where, and what was expected.",
    403: "A web page must not do this.",
    404: "No model of this name is loaded.",
    408: "The body did not arrive in the time that a request may take.",
    413: "The body is larger than the server takes.",
    415: "The body has a type or an encoding that the server does not know.",
    500: "The model failed; the server's log says why.",
    501: "This model has no explanations.",
    503: "Not ready, or too many requests wait: try again.",
    504: "The answer took longer than it may.",
}
_REFUSALS = (400, 404, 408, 413, 415, 500, 503, 504)
_TENSORS = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
#: Rows as text: CSV with or without a line of names, and JSON Lines. Answers have these forms where Accept names them.
_LINES = {kind: {"schema": {"type": "string"}} for kind in (CSV, JSON_LINES)}
_ALSO_TAKEN = "Bodies of clients of MLflow, SageMaker and KServe's own servers are read, too, and answered as V1's are."
_SIZE = {"schema": {"type": "integer", "minimum": 0}, "description": "Bytes of JSON before V2's binary tensors."}
_SIZE_HEADER = "Inference-Header-Content-Length"


def document_models(
    app: FastAPI,
    repository: ServingModelRepository,
    routes: Mapping[str, Route],
    repository_api: bool,
    metrics: bool,
) -> None:
    """Make /openapi.json the document of the models in `repository`.

    `routes` are further paths to predictions, as in predictions.py; `repository_api` and `metrics` say whether the
    routes for those are there.
    """
    describe = app.openapi

    def openapi() -> Described:
        base, models = describe(), dict(repository.get_models())  # loads go on in other threads
        paths, found = _models(models, routes)
        others = {path: operations for path, operations in base["paths"].items() if not _is_kserves(path)}
        components = base.get("components", {})
        found = {**components.get("schemas", {}), "Error": schemas.ERROR, **found}
        error = {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
        errors = {str(status): {"description": text, "content": error} for status, text in _STATUSES.items()}
        tags = [{"name": name, "description": _summary(model)} for name, model in models.items()]
        return {
            **base,
            "paths": {**paths, **_servers_own(repository_api, metrics), **others},
            "components": {**components, "schemas": found, "responses": errors},
            "tags": [*tags, {"name": _SERVER, "description": "what does not depend on a model"}],
        }

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema


def _models(models: Mapping[str, ServingModel], routes: Mapping[str, Route]) -> tuple[Described, Described]:
    """The paths of all models, and the schemas that these refer to."""
    paths: Described = {}
    found: Described = {}
    for name, model in models.items():
        prefix = quote(name, safe="").replace("%", "_").replace("~", "_")
        while f"{prefix}.Rows" in found:
            prefix += "_"
        outputs, labels = model.outputs, model.labels
        found[f"{prefix}.Rows"] = schemas.request_v1(model.signature, outputs)
        found[f"{prefix}.Tables"] = schemas.request_of_peers(model.signature, outputs)
        found[f"{prefix}.Tensors"] = schemas.request_v2(model.signature, outputs)
        found[f"{prefix}.Predictions"] = schemas.answer_v1(outputs, labels)
        found[f"{prefix}.Outputs"] = schemas.answer_v2(outputs, labels)
        found[f"{prefix}.Explanations"] = schemas.explanations(outputs, labels)
        further = [path for path, route in routes.items() if route == Route(name, "v2")]
        paths.update(_paths(name, model, prefix, further))
    return paths, found


def _paths(name: str, model: ServingModel, prefix: str, further: Iterable[str]) -> Described:
    """The paths of one model; `further` are those beside V2's own."""
    v1, v2 = f"/v1/models/{quote(name, safe='')}", f"/v2/models/{quote(name, safe='')}"
    rows = orjson.loads(model.example)
    body = {"schema": _refer(prefix, "Rows", "Tables"), "examples": {"rows": {"value": rows}}}
    lines = {} if model.signature.tensor else _LINES
    tensors = {"value": schemas.tensors(model.signature, rows["instances"])}
    examples = {**body["examples"], "tensors": tensors}
    either = {"schema": _refer(prefix, "Rows", "Tensors", "Tables"), "examples": examples}

    def ask(summary: str, takes: Described, gives: Described, *refusals: int) -> Described:
        answer = {"description": "The answer: a row for each row.", "content": gives}
        responses = {"200": answer, **_errors(*refusals)}
        return {
            "tags": [name],
            "summary": summary,
            "requestBody": {"required": True, "description": _ALSO_TAKEN, "content": {**takes, **lines}},
            "responses": responses,
        }

    gives = {title: {_JSON: {"schema": _refer(prefix, title)}} for title in ("Predictions", "Explanations")}
    gives["Predictions"].update(_LINES)
    infer = ask(
        "predict over V2",
        {_JSON: either, **_TENSORS},
        {_JSON: {"schema": _refer(prefix, "Predictions", "Outputs")}, **_TENSORS, **_LINES},
        *_REFUSALS,
    )
    infer["parameters"] = [{"name": _SIZE_HEADER, "in": "header", **_SIZE}]
    infer["responses"]["200"]["headers"] = {_SIZE_HEADER: _SIZE}
    ready = schemas.answer({"name": {"const": name}, "ready": {"const": True}})
    metadata = schemas.answer({"name": {"const": name}, "platform": {"type": "string"}})
    versioned = [f"{v2}/versions/{model.version}"] if model.version else []
    return {
        f"{v1}:predict": {"post": ask("predict over V1", {_JSON: body}, gives["Predictions"], *_REFUSALS)},
        f"{v1}:explain": {"post": ask("explain", {_JSON: body}, gives["Explanations"], *_REFUSALS, 501)},
        **{path: {"post": infer} for path in (*(f"{start}/infer" for start in (v2, *versioned)), *further)},
        **{start: {"get": _get(name, "metadata", metadata, 404)} for start in (v2, *versioned)},
        v1: {"get": _get(name, "readiness over V1", ready, 404, 503)},
        **{f"{start}/ready": {"get": _get(name, "readiness over V2", ready, 404, 503)} for start in (v2, *versioned)},
    }


def _is_kserves(path: str) -> bool:
    return path in ("/", "/metrics") or path.startswith(("/v1/models", "/v2"))


def _servers_own(repository_api: bool, metrics: bool) -> Described:
    """The routes that are there whatever models are loaded."""
    text, names = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    metadata = schemas.answer({"name": text, "version": text, "extensions": names})
    listed = schemas.answer({"models": names})
    paths = {
        "/": {"get": _get(_SERVER, "liveness", schemas.answer({"status": {"const": "alive"}}), 503)},
        "/v2": {"get": _get(_SERVER, "metadata", metadata)},
        "/v2/health/live": {"get": _get(_SERVER, "liveness over V2", schemas.answer({"live": {"const": True}}), 503)},
        "/v2/health/ready": {"get": _get(_SERVER, "readiness", schemas.answer({"ready": {"const": True}}), 503)},
        "/v1/models": {"get": _get(_SERVER, "models over V1", listed)},
        "/v2/models": {"get": _get(_SERVER, "models over V2", listed)},
    }
    paths["/"]["get"]["responses"]["200"]["content"]["text/html"] = {"schema": text}  # to browsers, where that is on
    if metrics:
        paths["/metrics"] = {"get": _get(_SERVER, "metrics for Prometheus", text, media="text/plain")}
    if repository_api:
        state = schemas.answer({"name": text, "state": {"enum": ["READY", "UNAVAILABLE"]}})
        state["properties"].update(version=text, reason=text)
        index = _get(_SERVER, "versions of all models", {"type": "array", "items": state}, 400, 403)
        ready = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
        paths["/v2/repository/index"] = {"post": {**index, "requestBody": {"content": {_JSON: {"schema": ready}}}}}
    for action in ("load", "unload") if repository_api else ():
        operation = _get(
            _SERVER, f"{action} a model", schemas.answer({"name": text, action: {"const": True}}), 403, 404, 503
        )
        operation["parameters"] = [{"name": "model_name", "in": "path", "required": True, "schema": text}]
        paths[f"/v2/repository/models/{{model_name}}/{action}"] = {"post": operation}
    return paths


def _get(tag: str, summary: str, schema: Described, *refusals: int, media: str = _JSON) -> Described:
    """An operation that takes no body."""
    answer = {"description": "The answer.", "content": {media: {"schema": schema}}}
    return {"tags": [tag], "summary": summary, "responses": {"200": answer, **_errors(*refusals)}}


def _errors(*statuses: int) -> Described:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _refer(prefix: str, *titles: str) -> Described:
    references = [{"$ref": f"#/components/schemas/{prefix}.{title}"} for title in titles]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _summary(model: ServingModel) -> str:
    return f"runs on {model.platform}" + "".join(f", version {number}" for number in model.versions)
