"""Promises of the server on KFServing: V2, CloudEvents, a full queue, readiness, and an orderly end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from ..._engine.protocol.tensors import from_bytes, to_bytes
from ...trainer.model import MyModel
from .conftest import Server, instances, says_why_it_ends, without_text_gaps


def v2_request(X: Any, binary: bool) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the input as V2 tensors: one matrix of numbers, or one tensor per column."""
    X = without_text_gaps(X)
    columns = X if isinstance(X, np.ndarray) else X.assign(active=X["active"].astype(bool))
    arrays = {"input-0": X} if isinstance(X, np.ndarray) else {name: columns[name].to_numpy() for name in columns}
    inputs, tail = [], b""
    for name, array in arrays.items():
        datatype = {"f": "FP64", "b": "BOOL", "O": "BYTES"}[array.dtype.kind]
        tensor: dict[str, Any] = {"name": name, "shape": array.shape, "datatype": datatype}
        if binary:
            tensor["parameters"] = {"binary_data_size": len(to_bytes(array))}
            tail += to_bytes(array)
        else:
            tensor["data"] = array.ravel().tolist()
        inputs.append(tensor)
    text = json.dumps({"id": "abc", "inputs": inputs, "parameters": {"binary_data_output": binary}})
    head = text.replace("NaN", "null").encode()  # JSON has no NaN; a missing value is null
    return head + tail, {"Inference-Header-Content-Length": str(len(head))} if binary else {}


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_v2_is_answered_as_by_the_model_in_process(server: Server, case: Any, binary: bool) -> None:
    """Tensors in JSON or in binary, which KFServing itself does not read."""
    name, model, X = case
    body, headers = v2_request(X, binary)
    response = server.client.post(f"/v2/models/{name}/infer", content=body, headers=headers)
    assert response.status_code == 200, response.text
    size = int(response.headers.get("Inference-Header-Content-Length", len(response.content)))
    answer = json.loads(response.content[:size])
    (output,) = answer["outputs"]
    data = from_bytes("", output["datatype"], response.content[size:]).tolist() if binary else output["data"]
    assert answer["id"] == "abc"
    assert data == model.predict(without_text_gaps(X)).tolist()


def test_a_cloud_event_is_answered_by_kfserving_with_the_same_numbers(server: Server, case: Any) -> None:
    name, model, X = case
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"}
    body = json.dumps({"instances": instances(X)})
    path = f"/v1/models/{name}:predict"
    response = server.client.post(path, content=body, headers=event)
    assert response.json() == {"predictions": model.predict(X).tolist()}
    assert response.headers["ce-id"] != "1"
    assert response.headers["ce-source"] == f"io.kfserving.inference.{name}"
    assert response.headers["content-type"] == "application/json"
    refused = server.client.post(path, content=b'{"instances": [[]]}', headers=event)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("row 0: expected 4 values")


def test_readiness_is_a_models_own(server: Server) -> None:
    assert server.client.get("/v1/models/table").json() == {"name": "table", "ready": True}
    assert server.client.get("/v1/models/absent").status_code == 404
    assert server.client.get("/v2/health/live").status_code == 200


class Held:
    """A server whose model is busy with a request until its gate is opened; one more may wait, the others may not."""

    def __init__(self, start: Callable[..., Server], sample_dir: Path, gate: Path, pool: ThreadPoolExecutor) -> None:
        self.server = start(
            sample_dir, "--access_log", "--log_format=json", slow=True, MODEL_NAME="m", MAX_WAITING="1", GATE=str(gate)
        ).wait("m")
        self.path = f"{self.server.client.base_url}/v1/models/m:predict"
        row = MyModel(dirpath=sample_dir).example.tolist()[0]
        self.request = {"instances": [[99, *row[1:]]]}
        self.gate = gate
        self.first = pool.submit(httpx.post, self.path, json=self.request, timeout=60)
        while not (gate / "reached").exists():
            assert not self.first.done()
            time.sleep(0.01)

    def open(self) -> None:
        (self.gate / "open").touch()


def test_health_answers_while_a_prediction_runs_and_sigterm_lets_it_finish(
    start: Callable[..., Server], sample_dir: Path, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as pool:
        held = Held(start, sample_dir, tmp_path, pool)
        # On the event loop, the model would keep this waiting until it is done.
        assert held.server.client.get("/v1/models/m").status_code == 200
        stopped = pool.submit(held.server.stop)
        while True:
            try:
                httpx.get(f"{held.server.client.base_url}/v2/health/live")
            except httpx.ConnectError:
                break
        assert not held.first.done()
        held.open()
        assert held.first.result().status_code == 200
        assert stopped.result() == 0


def test_a_full_queue_is_a_503_and_waiting_requests_are_answered(
    start: Callable[..., Server], sample_dir: Path, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(3) as pool:
        held = Held(start, sample_dir, tmp_path, pool)
        others = [pool.submit(httpx.post, held.path, json=held.request, timeout=60) for _ in range(2)]
        (refused,), _ = wait(others, return_when=FIRST_COMPLETED)
        assert refused.result().status_code == 503
        assert refused.result().headers["retry-after"] == "1"
        held.open()
        assert sorted(other.result().status_code for other in others) == [200, 503]
        assert held.first.result().status_code == 200


def test_a_request_whose_client_left_is_not_run(start: Callable[..., Server], sample_dir: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        held = Held(start, sample_dir, tmp_path, pool)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(held.path, json=held.request, timeout=1)
        log = held.server.process.stderr
        assert log and next(line for line in map(json.loads, log) if "protocol" in line)["status"] == 499
        held.open()
        assert held.first.result().status_code == 200
        assert (tmp_path / "reached").read_text() == "once\n"


@pytest.mark.parametrize("method", ["POST", "TRACE", "BREW"])
def test_an_error_of_a_route_that_is_not_there_is_json(server: Server, method: str) -> None:
    """Whether or not Tornado knows the method; and there is none to allow."""
    answer = server.client.request(method, "/elsewhere")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})
    assert "allow" not in answer.headers


@pytest.mark.parametrize(
    ("environment", "arguments", "complaint"),
    [
        ({"MODEL_NAME": "a.b"}, [], "cannot be requested"),
        ({"MODEL_DIR": "file:///absent"}, [], "file:///absent, which is not a directory"),
        ({"MODEL_DIR": "nowhere://a"}, [], "Cannot recognize storage type for nowhere://a"),
        ({}, ["--grpc_port=8081"], "--grpc_port=8081"),
    ],
)
def test_a_server_that_kfserving_cannot_start_says_why(
    start: Callable[..., Server], sample_dir: Path, environment: dict[str, str], arguments: list[str], complaint: str
) -> None:
    says_why_it_ends(start(sample_dir, *arguments, **{"MODEL_NAME": "m", **environment}), complaint)


def test_an_address_where_nothing_is_stops_the_start(start: Callable[..., Server], tmp_path: Path) -> None:
    """KFServing itself would serve an empty directory."""
    says_why_it_ends(
        start(tmp_path, MODEL_NAME="m", MODEL_DIR=tmp_path.as_uri()),
        "which holds no model: expected metadata.json in it",
    )
