"""Promises of what the server says of itself: its OpenAPI document, its pages, and how each is turned off."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from ...inferencer.model import ServingModel
from ...inferencer.model_repository import ServingModelRepository
from ...trainer.model import MyModel
from .conftest import Server

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def post_routes(document: dict[str, Any], name: str) -> dict[str, Any]:
    """What is posted to a model, by its path."""
    operations = [(path, found["post"]) for path, found in document["paths"].items() if "post" in found]
    return {path: operation for path, operation in operations if operation["tags"] == [name]}


def resolved(document: dict[str, Any], reference: dict[str, str]) -> Any:
    return document["components"]["schemas"][reference["$ref"].rpartition("/")[2]]


def test_every_example_of_every_model_is_answered(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    for name, count in (("numbers", 3), ("table", 4)):  # its path with a version, too
        routes = post_routes(document, name)
        assert len(routes) == count
        for path, operation in routes.items():
            for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
                response = server.client.post(path, json=example["value"])
                assert response.status_code in (200, 501), response.text
            assert {"200", "400", "404", "413", "500", "503"} <= set(operation["responses"])


def test_columns_and_labels_are_those_of_each_model(server: Server, case: tuple[str, MyModel, Any]) -> None:
    name, model, _ = case
    document = server.client.get("/openapi.json").json()
    operation = document["paths"][f"/v1/models/{name}:predict"]["post"]
    rows = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0])
    row, _ = rows["properties"]["instances"]["items"]["anyOf"]
    kinds = {"FP64": "number", "BOOL": "boolean", "BYTES": "string"}
    expected = [
        (column.name, [kinds[column.datatype], "null"] if column.nullable else kinds[column.datatype])
        for column in model.signature.columns
    ]
    assert [(cell["title"], cell["type"]) for cell in row["prefixItems"]] == expected
    answers = resolved(document, operation["responses"]["200"]["content"]["application/json"]["schema"])
    assert model.labels is not None
    assert answers["properties"]["predictions"]["anyOf"][0]["items"] == {"enum": model.labels.tolist()}


def test_a_platforms_path_is_documented_where_it_is_answered(start: Callable[..., Server], sample_dir: Path) -> None:
    server = start(sample_dir, MODEL_NAME="m").wait("m")
    paths = server.client.get("/openapi.json").json()["paths"]
    assert paths["/invocations"] == paths["/v2/models/m/infer"]


def test_the_document_changes_with_the_models_and_keeps_none(sample_dir: Path) -> None:
    from ..._engine.sdk.openapi import document_models

    app, repository = FastAPI(), ServingModelRepository(sample_dir, "m", ServingModel)
    document_models(app, repository, {}, True, True)
    paths = [set(app.openapi()["paths"])]
    repository.load_model("m")
    paths.append(set(app.openapi()["paths"]))
    kept = weakref.ref(repository.get_model("m"))
    repository.load_model("m")
    gc.collect()
    assert kept() is None
    repository.unload("m")
    paths.append(set(app.openapi()["paths"]))
    assert paths[0] == paths[2] and "/v1/models/m:predict" in paths[1] - paths[0]


def test_routes_of_the_owners_stay_documented(sample_dir: Path) -> None:
    from ..._engine.sdk.openapi import document_models

    app, repository = FastAPI(), ServingModelRepository(sample_dir, "m", ServingModel)

    @app.get("/greeting", tags=["mine"])
    def greeting() -> str:
        return "hello"

    document_models(app, repository, {}, True, True)
    assert app.openapi()["paths"]["/greeting"]["get"]["tags"] == ["mine"]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_ask_nobody_else_and_run_nothing_else(server: Server, path: str) -> None:
    response = server.client.get(path, headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"(src|href)=\"?(https?:)?//", response.text)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.5", None])
def test_the_root_is_liveness_for_all_but_browsers(server: Server, accept: str | None) -> None:
    request = server.client.build_request("GET", "/", headers={"Accept": accept or ""})
    if accept is None:
        del request.headers["Accept"]
    assert server.client.send(request).json() == {"status": "alive"}


def test_what_is_off_is_not_found_and_says_how_to_turn_it_on(start: Callable[..., Server], sample_dir: Path) -> None:
    off = {"ENABLE_METRICS_URL": "false", "ENABLE_REPOSITORY_API": "false"}
    server = start(sample_dir, MODEL_NAME="m", **off).wait("m")
    for method, path, option in (
        ("GET", "/docs", "--enable_docs_url=true"),
        ("GET", "/metrics", "--enable_metrics_url=true"),
        ("POST", "/v2/repository/models/m/load", "--enable_repository_api=true"),
    ):
        response = server.client.request(method, path, headers=BROWSER)
        assert response.status_code == 404
        assert option in response.json()["error"]
    assert server.client.get("/", headers=BROWSER).json() == {"status": "alive"}
    paths = server.client.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if "metrics" in path or "repository" in path]
