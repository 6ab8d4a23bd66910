"""Promises of the server: the same answer at every door, honest errors, honest readiness, an orderly end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from ..._engine.protocol.tensors import from_bytes, to_bytes
from ...trainer._core import Model
from ...trainer.model import MyModel
from .conftest import Server

ROWS = 7


@pytest.fixture(params=["numbers", "table"])
def case(request: pytest.FixtureRequest, sample_dir: Path, model: MyModel, table: Any) -> tuple[str, MyModel, Any]:
    """A model's name, the model in process, and some input."""
    if request.param == "table":
        return "table", model, model.signature.conform(table[0].head(ROWS))
    sample = MyModel(dirpath=sample_dir, runtime="auto")
    return "numbers", sample, np.repeat(sample.example, ROWS, axis=0) * np.linspace(0.5, 2, ROWS)[:, None]


def instances(X: Any, records: bool = False) -> list[Any]:
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    if "active" in frame:
        frame = frame.assign(active=frame["active"].astype(bool))
    frame = frame.astype(object).where(frame.notna(), None)
    return frame.to_dict("records") if records else frame.to_numpy().tolist()


def without_text_gaps(X: Any) -> Any:
    """V2's BYTES tensors have no gaps in their binary form."""
    return X if isinstance(X, np.ndarray) else X.assign(plan=X["plan"].fillna("basic"))


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
    head = text.replace("NaN", "null").encode()  # JSON has no NaN; a gap is null
    return head + tail, {"Inference-Header-Content-Length": str(len(head))} if binary else {}


@pytest.mark.parametrize("path", ["/v1/models/{}:predict", "/v2/models/{}/infer"])
@pytest.mark.parametrize("proba", [False, True])
def test_instances_are_answered_as_by_the_model_in_process(server: Server, case: Any, path: str, proba: bool) -> None:
    """`{"instances": ...}` gives `{"predictions": ...}` on both paths, digit for digit."""
    name, model, X = case
    body = {"instances": instances(X), "parameters": {"predict_proba": proba}}
    response = server.client.post(path.format(name), json=body)
    assert response.status_code == 200, response.text
    assert response.json() == {"predictions": model.predict(X, proba).tolist()}


def test_records_are_answered_as_rows_are(server: Server, model: MyModel, table: Any) -> None:
    X = table[0].head(ROWS)
    response = server.client.post("/v1/models/table:predict", json={"instances": instances(X, records=True)})
    assert response.json() == {"predictions": model.predict(X).tolist()}


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


def test_the_sample_request_gets_an_answer(server: Server, sample_dir: Path) -> None:
    """input.json, as curl sends it."""
    response = server.client.post(
        "/v2/models/numbers/infer",
        content=(sample_dir / "input.json").read_bytes(),
        headers={"Host": "numbers.default.example.com", "Content-Type": "application/json"},
    )
    assert response.json() == {"predictions": [0]}


def test_a_large_request_is_answered_as_a_small_one_is(server: Server, sample_dir: Path) -> None:
    sample = MyModel(dirpath=sample_dir, runtime="auto")
    rows = np.repeat(sample.example, 20_000, axis=0)
    answer = server.client.post("/v1/models/numbers:predict", json={"instances": rows.tolist()}).json()
    assert answer == {"predictions": sample.predict(rows).tolist()}


def test_predict_proba_can_be_the_default(start: Callable[..., Server], sample_dir: Path) -> None:
    server = start(sample_dir, MODEL_NAME="m", PREDICT_PROBA="true").wait("m")
    body = (sample_dir / "input.json").read_bytes()
    model = MyModel(dirpath=sample_dir, runtime="auto")
    answer = server.client.post("/v1/models/m:predict", content=body).json()
    assert answer == {"predictions": model.predict(model.example, proba=True).tolist()}


def test_the_runtime_can_be_chosen(start: Callable[..., Server], sample_dir: Path) -> None:
    """The twin and the native model give the same labels, and scores to 1e-5; a twin that is not there is refused."""
    if not json.loads((sample_dir / "metadata.json").read_text())["twin"]:
        server = start(sample_dir, MODEL_NAME="m", RUNTIME="onnx")
        server.process.wait(60)
        assert server.stop() != 0
        assert "has no compiled model, which the runtime onnx asks for" in server.errors.splitlines()[-1]
        return
    body = {"instances": MyModel(dirpath=sample_dir).example.tolist(), "parameters": {"predict_proba": True}}
    answers = {}
    for runtime, platform in (("native", MyModel.FRAMEWORK), ("onnx", "onnxruntime")):
        server = start(sample_dir, MODEL_NAME="m", RUNTIME=runtime).wait("m")
        answers[runtime] = server.client.post("/v1/models/m:predict", json=body).json()["predictions"]
        server.stop()
        assert f"which runs on {platform}" in server.errors
    np.testing.assert_allclose(answers["onnx"], answers["native"], rtol=1e-5, atol=1e-5)


def test_rows_that_only_the_model_finds_fault_with_are_a_400(
    start: Callable[..., Server], sample_dir: Path, tmp_path: Path
) -> None:
    """As a category that it does not allow."""
    server = start(sample_dir, MODEL_NAME="m", GATE=str(tmp_path)).wait("m")
    row = [98, *MyModel(dirpath=sample_dir).example.tolist()[0][1:]]
    for path in ("/v1/models/m:predict", "/v2/models/m/infer"):
        response = server.client.post(path, json={"instances": [row]})
        assert (response.status_code, response.json()) == (400, {"error": "row 0: begins with 98"})


def test_an_explanation_says_what_each_column_adds_or_that_there_is_none(server: Server, case: Any) -> None:
    """The compiled twin answers predictions; the model itself explains them."""
    name, model, X = case
    response = server.client.post(f"/v1/models/{name}:explain", json={"instances": instances(X)})
    if MyModel.contributions is Model.contributions:
        assert response.status_code == 501
        assert "gives no explanations" in response.json()["error"]
        return
    assert response.status_code == 200, response.text
    explanations = response.json()["explanations"]
    assert [item["prediction"] for item in explanations] == model.predict(X).tolist()
    assert list(explanations[0]["contributions"]) == model.signature.names


def test_a_cloud_event_is_answered_by_kfserving_with_the_same_numbers(server: Server, case: Any) -> None:
    name, model, X = case
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"}
    body = json.dumps({"instances": instances(X)})
    path = f"/v1/models/{name}:predict"
    response = server.client.post(path, content=body, headers=event)
    assert response.json() == {"predictions": model.predict(X).tolist()}
    assert response.headers["ce-id"] == "1"
    refused = server.client.post(path, content=b'{"instances": [[]]}', headers=event)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("row 0: expected 4 values")


def test_a_request_can_be_logged_as_json(start: Callable[..., Server], sample_dir: Path) -> None:
    server = start(sample_dir, "--access_log", MODEL_NAME="m").wait("m")
    body = (sample_dir / "input.json").read_bytes()
    server.client.post("/v1/models/m:predict", content=body, headers={"X-Request-Id": "abc-1"})
    server.stop()
    (line,) = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    assert (line["model"], line["door"], line["status"], line["request_id"]) == ("m", "v1", 200, "abc-1")


@pytest.mark.parametrize("path", ["/v1/models/table:predict", "/v2/models/table/infer"])
def test_a_clients_mistake_is_a_400_that_names_row_and_column(server: Server, path: str) -> None:
    rows = [[30, 10.5, True, "pro"], [30, "much", True, "pro"]]
    response = server.client.post(path, json={"instances": rows})
    assert response.status_code == 400
    assert response.json() == {"error": "row 1, column 'monthly spend': expected a number, got \"much\""}


def test_a_v2_request_that_does_not_fit_is_a_400_that_says_what_does(server: Server) -> None:
    item = {"name": "input-0", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    response = server.client.post("/v2/models/numbers/infer", json={"inputs": [item]})
    assert response.status_code == 400
    assert "expected 'input-0' FP64" in response.json()["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models/absent:predict", 404),
        ("/v2/models/absent/infer", 404),
        ("/v1/models/absent:explain", 404),
        ("/elsewhere", 404),
    ],
)
def test_what_is_not_there_is_no_fault_of_the_server(server: Server, path: str, status: int) -> None:
    response = server.client.post(path, json={"instances": [[1]]})
    assert response.status_code == status
    assert response.json()["error"]


def test_readiness_is_a_models_own(server: Server) -> None:
    assert server.client.get("/v1/models/table").json() == {"name": "table", "ready": True}
    assert server.client.get("/v1/models/absent").status_code == 404
    assert server.client.get("/v2/health/live").status_code == 200


def test_a_body_that_is_too_large_is_a_413(start: Callable[..., Server], sample_dir: Path) -> None:
    """Whether its length is announced or not; smaller ones are answered as before."""
    server = start(sample_dir, "--max_buffer_size=1000", MODEL_NAME="m").wait("m")
    path = "/v2/models/m/infer"
    large = b'{"instances": [' + b" " * 1_000_000 + b"]}"
    response = server.client.post(path, content=large)
    assert response.status_code == 413
    assert "--max_buffer_size" in response.json()["error"]
    assert server.client.post(path, content=iter([large[:900], large[900:]])).status_code == 413
    assert server.client.post(path, content=(sample_dir / "input.json").read_bytes()).status_code == 200


class Held:
    """A server whose model is busy with a request until its gate is opened; one more may wait, the others may not."""

    def __init__(self, start: Callable[..., Server], sample_dir: Path, gate: Path, pool: ThreadPoolExecutor) -> None:
        self.server = start(sample_dir, "--access_log", MODEL_NAME="m", MAX_WAITING="1", GATE=str(gate)).wait("m")
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


def test_a_full_queue_is_a_503_and_who_waits_is_answered(
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
        output = held.server.process.stdout
        assert output and json.loads(output.readline())["status"] == 499
        held.open()
        assert held.first.result().status_code == 200
        assert (tmp_path / "reached").read_text() == "once\n"


@pytest.mark.parametrize(
    ("environment", "arguments", "complaint"),
    [
        ({}, [], "set MODEL_NAME"),
        ({"MODEL_NAME": "a.b"}, [], "cannot be asked for"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "/absent"}, [], "MODEL_DIR is /absent"),
        (
            {"MODEL_NAME": "m", "MODEL_DIR": "file:///absent"},
            [],
            "file:///absent, and that is not a directory",
        ),
        ({"MODEL_NAME": "m", "MODEL_DIR": "nowhere://a"}, [], "Cannot recognize storage type for nowhere://a"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "x"}, [], "--http_port: expected a whole number from 1, got 'x'"),
        ({"MODEL_NAME": "m"}, ["--max_bufer_size=1"], "--max_bufer_size=1"),
        ({"MODEL_NAME": "m"}, ["--grpc_port=8081"], "--grpc_port=8081"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "70000"}, [], "--http_port: expected a port"),
        ({"MODEL_NAME": "m"}, ["--workers=2"], "scale by replicas"),
        ({"MODEL_NAME": "m", "DRAIN_SECONDS": "nan"}, [], "--drain_seconds: expected a number of seconds from 0"),
    ],
)
def test_a_server_that_cannot_start_says_why_and_exits(
    start: Callable[..., Server], sample_dir: Path, environment: dict[str, str], arguments: list[str], complaint: str
) -> None:
    server = start(sample_dir, *arguments, **environment)
    server.process.wait(60)
    assert server.stop() != 0
    assert complaint in server.errors.splitlines()[-1]
    assert "Traceback" not in server.errors


def test_a_port_that_is_taken_stops_the_start(start: Callable[..., Server], server: Server, sample_dir: Path) -> None:
    second = start(sample_dir, MODEL_NAME="m", HTTP_PORT=str(server.http))
    second.process.wait(60)
    assert second.stop() != 0
    assert f"port {server.http} cannot be used" in second.errors.splitlines()[-1]


@pytest.mark.parametrize("digits", ["x", "9" * 5000, "-1", "1e3"])
def test_a_bad_header_is_a_clients_mistake(server: Server, digits: str) -> None:
    headers = {"Inference-Header-Content-Length": digits}
    response = server.client.post("/v2/models/numbers/infer", content=b"{}", headers=headers)
    assert response.status_code == 400


def test_a_tampered_model_stops_the_start(start: Callable[..., Server], sample_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_dir, tmp_path / "0001")
    weights = tmp_path / "0001" / MyModel.WEIGHTS
    first = next(file for file in (weights, *sorted(weights.rglob("*"))) if file.is_file())
    first.write_bytes(first.read_bytes() + b"!")
    server = start(tmp_path, MODEL_NAME="m")
    server.process.wait(60)
    assert server.stop() == 1
    assert "SHA-256 differs" in server.errors.splitlines()[-1]
