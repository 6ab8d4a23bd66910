"""Promises of the image elsewhere: Vertex AI and SageMaker find what their contracts ask for, in a real server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ..._engine.serving.testing import free_port
from ...trainer.model import MyModel
from .conftest import Server


@pytest.fixture(scope="module", params=["vertex", "sagemaker", "elsewhere"])
def served(request: pytest.FixtureRequest, start: Callable[..., Server], sample_dir: Path) -> tuple[Server, str, str]:
    """A server started as each platform does, and its paths for health and predictions."""
    port, second = free_port(), free_port()
    health, predict = "/ping", "/invocations"
    if request.param == "vertex":
        health, predict = "/v1/endpoints/7/deployedModels/9", "/v1/endpoints/7/deployedModels/9:predict"
        variables = {"AIP_HEALTH_ROUTE": health, "AIP_PREDICT_ROUTE": predict, "AIP_HTTP_PORT": str(port)}
        # What the image sets for all gives way.
        server = start(Path("/mnt/models"), AIP_STORAGE_URI=sample_dir.as_uri(), **variables)
    elif request.param == "sagemaker":
        # As where several containers share an endpoint; otherwise the ports are the usual ones.
        variables = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_SAFE_PORT_RANGE": f"{second}-{second + 9}"}
        server = start(Path("/mnt/models"), "serve", f"--model_dir={sample_dir}", **variables)
        server.grpc = second
    else:
        server = start(sample_dir, MODEL_NAME="model")
        port = server.http
    server.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
    server.wait("model")
    socket.create_connection(("127.0.0.1", server.grpc), timeout=30).close()
    return server, health, predict


def test_their_requests_are_answered(served: tuple[Server, str, str], sample_dir: Path) -> None:
    """Instances with parameters, as Vertex AI sends them; and what else a caller gets through to the model."""
    server, _, predict = served
    request = json.loads((sample_dir / "input.json").read_text())
    assert server.client.post(predict, json=request).json() == {"predictions": [0]}
    request["parameters"] = {"predict_proba": True}
    ((first, *_),) = server.client.post(predict, json=request).json()["predictions"]
    assert 0.5 < first < 1
    (row,) = request["instances"]
    tensor = {"name": "input-0", "datatype": "FP64", "shape": [1, len(row)], "data": row}
    answer = server.client.post(predict, json={"inputs": [tensor]}).json()
    assert answer["outputs"][0]["data"] == [0]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('{"dataframe_split": {"columns": %(names)s, "data": [%(row)s]}}', "application/json"),
        ('{"dataframe_records": [%(record)s]}', "application/json; charset=utf-8"),
        ('{"inputs": [%(row)s]}', "application/json"),
        ("%(cells)s", "text/csv"),
        ("%(header)s\n%(cells)s\n", "text/csv"),
        ('{"features": %(row)s}\n', "application/jsonlines"),
    ],
)
def test_their_clients_bodies_are_answered(
    served: tuple[Server, str, str], sample_dir: Path, content: str, kind: str
) -> None:
    """As MLflow's and SageMaker's send them, in the form that they accept."""
    server, _, predict = served
    model = MyModel(dirpath=sample_dir)
    (row,), names = model.example.tolist(), model.signature.names
    body = content % {
        "names": json.dumps(names),
        "row": row,
        "record": json.dumps(dict(zip(names, row))),
        "cells": ",".join(map(str, row)),
        "header": ",".join(names),
    }
    headers = {"Content-Type": kind, "Accept": "*/*"}
    assert server.client.post(predict, content=body, headers=headers).json() == {"predictions": [0]}
    headers["Accept"] = "text/csv"
    assert server.client.post(predict, content=body, headers=headers).text == "0\n"


def test_a_body_that_does_not_fit_is_refused_with_what_is_expected(served: tuple[Server, str, str]) -> None:
    server, _, predict = served
    response = server.client.post(predict, content=b"5.1,3.5,x,0.2\n", headers={"Content-Type": "text/csv"})
    assert response.status_code == 400
    assert "row 0, column 'petal length (cm)': expected a number" in response.json()["error"]


def test_their_health_checks_tell_whether_the_model_is_ready(served: tuple[Server, str, str]) -> None:
    server, health, predict = served
    assert server.client.get(health).status_code == 200
    server.client.post("/v2/repository/models/model/unload").raise_for_status()
    assert server.client.get(health).status_code == 503
    assert server.client.post(predict, json={"instances": [[1, 2, 3, 4]]}).status_code == 404
    server.client.post("/v2/repository/models/model/load").raise_for_status()
    assert server.client.get(health).status_code == 200


def test_of_several_models_none_is_guessed(server: Server) -> None:
    assert server.client.post("/invocations", json={"instances": [[1, 2, 3, 4]]}).status_code == 404
    assert server.client.get("/ping").status_code == 200
