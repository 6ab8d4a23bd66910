"""Promises of the server: the same answer at every door, honest errors, honest readiness, an orderly end."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pandas as pd
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig

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


def tensors(model: MyModel, X: Any, raw: bool) -> list[InferInput]:
    """The input as V2 tensors: one matrix of numbers, or one tensor per column."""
    if isinstance(X, np.ndarray):
        arrays = {"input-0": X}
    else:
        frame = X.assign(active=X["active"].astype(bool), plan=X["plan"].fillna("basic"))
        arrays = {name: frame[name].to_numpy() for name in reversed(frame.columns)}
    inputs = []
    for name, array in arrays.items():
        datatype = {"f": "FP64", "b": "BOOL", "O": "BYTES"}[array.dtype.kind]
        item = InferInput(name, list(array.shape), datatype)
        item.set_data_from_numpy(array, binary_data=raw)
        inputs.append(item)
    return inputs


def without_text_gaps(X: Any) -> Any:
    """V2's BYTES tensors have no gaps in their binary form."""
    return X if isinstance(X, np.ndarray) else X.assign(plan=X["plan"].fillna("basic"))


def grpc_infer(server: Server, request: InferRequest) -> InferResponse:
    async def ask() -> InferResponse:
        client = InferenceGRPCClient(f"127.0.0.1:{server.grpc}")
        try:
            return await client.infer(request)
        finally:
            await client.close()

    return asyncio.run(ask())


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


@pytest.mark.parametrize("raw", [False, True], ids=["json", "binary"])
def test_v2_is_answered_as_by_the_model_in_process(server: Server, case: Any, raw: bool) -> None:
    """KServe's own REST client, tensors in JSON or in binary."""
    name, model, X = case

    async def ask() -> InferResponse:
        request = InferRequest(name, tensors(model, X, raw), request_id="abc", parameters={"binary_data_output": raw})
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        try:
            return await client.infer(f"http://127.0.0.1:{server.http}", request, model_name=name)
        finally:
            await client.close()

    response = asyncio.run(ask())
    assert response.id == "abc"
    answer = response.outputs[0].as_numpy()
    expected = model.predict(without_text_gaps(X))
    assert [item.decode() if isinstance(item, bytes) else item for item in answer.tolist()] == expected.tolist()


@pytest.mark.parametrize("raw", [False, True], ids=["contents", "raw"])
@pytest.mark.parametrize("proba", [False, True])
def test_grpc_is_answered_as_by_the_model_in_process(server: Server, case: Any, raw: bool, proba: bool) -> None:
    """KServe's own gRPC client; others read an answer only in the form of their request, typed or raw."""
    name, model, X = case
    request = InferRequest(name, tensors(model, X, raw), parameters={"predict_proba": proba})
    (output,) = grpc_infer(server, request).outputs
    assert bool(output.data) is not raw
    answer = output.as_numpy()
    expected = model.predict(without_text_gaps(X), proba)
    assert answer.shape == expected.shape
    values = [item.decode() if isinstance(item, bytes) else item for item in answer.ravel().tolist()]
    assert values == expected.ravel().tolist()


def test_outputs_can_be_asked_for_by_name(server: Server, case: Any) -> None:
    name, model, X = case
    body = {
        "inputs": [
            {"name": item.name, "shape": item.shape, "datatype": item.datatype, "data": item.as_numpy().tolist()}
            for item in tensors(model, X, raw=False)
        ],
        "outputs": [{"name": "predict_proba"}, {"name": "predict"}],
    }
    content = json.dumps(body).replace("NaN", "null")  # JSON has no NaN; a gap is null
    answer = server.client.post(f"/v2/models/{name}/infer", content=content).json()
    assert [output["name"] for output in answer["outputs"]] == ["predict_proba", "predict"]
    assert answer["outputs"][0]["data"] == model.predict(without_text_gaps(X), proba=True).ravel().tolist()


def test_the_sample_request_gets_an_answer(server: Server, sample_dir: Path) -> None:
    """input.json, as curl sends it."""
    response = server.client.post(
        "/v2/models/numbers/infer",
        content=(sample_dir / "input.json").read_bytes(),
        headers={"Host": "numbers.default.example.com", "Content-Type": "application/json"},
    )
    assert response.json() == {"predictions": [0]}


def test_an_offer_of_http_2_is_ignored(server: Server, sample_dir: Path) -> None:
    """Java's HttpClient makes it, and so do Spring and Ktor."""
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    body = (sample_dir / "input.json").read_bytes()
    response = server.client.post("/v1/models/numbers:predict", content=body, headers=headers)
    assert response.json() == {"predictions": [0]}


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
        client = start(sample_dir, MODEL_NAME="m", RUNTIME=runtime).wait("m").client
        assert client.get("/v2/models/m").json()["platform"] == platform
        answers[runtime] = client.post("/v1/models/m:predict", json=body).json()["predictions"]
    np.testing.assert_allclose(answers["onnx"], answers["native"], rtol=1e-5, atol=1e-5)


def test_a_cloud_event_is_answered_by_kserve_with_the_same_numbers(server: Server, case: Any) -> None:
    name, model, X = case
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"}
    body = json.dumps({"instances": instances(X)})
    response = server.client.post(f"/v1/models/{name}:predict", content=body, headers=event)
    assert response.json() == {"predictions": model.predict(X).tolist()}


def test_metadata_shows_the_signature(server: Server, case: Any) -> None:
    """And what runs the model."""
    name, model, _ = case
    metadata = server.client.get(f"/v2/models/{name}").json()
    assert metadata["platform"] == model.platform
    for side, expected in (("inputs", model.signature.inputs), ("outputs", model.outputs)):
        tensors = [{"name": item.name, "datatype": item.datatype, "shape": list(item.shape)} for item in expected]
        assert metadata[side] == tensors


def test_the_docs_page_has_a_request_that_works(server: Server) -> None:
    assert "swagger" in server.client.get("/docs").text
    paths = server.client.get("/openapi.json").json()["paths"]
    for path in ("/v1/models/{model_name}:predict", "/v2/models/{model_name}/infer"):
        operation = paths[path]["post"]
        (name,) = [item["example"] for item in operation["parameters"] if item["name"] == "model_name"]
        example = operation["requestBody"]["content"]["application/json"]["example"]
        assert server.client.post(path.format(model_name=name), json=example).status_code == 200


def test_metrics_count_requests_by_door_and_status(start: Callable[..., Server], sample_dir: Path) -> None:
    """KServe's histograms, too, whichever way a request takes."""
    server = start(sample_dir, MODEL_NAME="m").wait("m")
    row = MyModel(dirpath=sample_dir).example.tolist()
    server.client.post("/v1/models/m:predict", json={"instances": row})
    server.client.post("/v2/models/m/infer", json={"instances": row * 3})
    server.client.post("/v2/models/m/infer", json={"instances": "x"})
    grpc_infer(server, InferRequest("m", [InferInput("input-0", [1, len(row[0])], "FP64", row[0])]))
    with pytest.raises(grpc.aio.AioRpcError):
        grpc_infer(server, InferRequest("m", [InferInput("input-0", [1, 1], "FP64", [1.0])]))
    metrics = server.client.get("/metrics").text
    for door, status in (("v1", "200"), ("v2", "200"), ("v2", "400"), ("grpc", "OK"), ("grpc", "INVALID_ARGUMENT")):
        assert f'inference_requests_total{{door="{door}",model_name="m",status="{status}"}} 1.0' in metrics
    assert 'inference_requests_in_flight{model_name="m"} 0.0' in metrics
    assert 'inference_batch_rows_sum{model_name="m"} 5.0' in metrics
    assert 'inference_queue_seconds_count{model_name="m"} 3.0' in metrics
    assert 'request_predict_seconds_count{model_name="m"}' in metrics


def test_a_request_can_be_logged_as_json_and_keeps_its_id(start: Callable[..., Server], sample_dir: Path) -> None:
    server = start(sample_dir, "--access_log", MODEL_NAME="m").wait("m")
    body = (sample_dir / "input.json").read_bytes()
    response = server.client.post("/v1/models/m:predict", content=body, headers={"X-Request-Id": "abc-1"})
    assert response.headers["x-request-id"] == "abc-1"
    server.stop()
    (line,) = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    assert (line["model"], line["door"], line["status"], line["request_id"]) == ("m", "v1", 200, "abc-1")


@pytest.mark.parametrize("path", ["/v1/models/table:predict", "/v2/models/table/infer"])
def test_a_clients_mistake_is_a_400_that_names_row_and_column(server: Server, path: str) -> None:
    rows = [[30, 10.5, True, "pro"], [30, "much", True, "pro"]]
    response = server.client.post(path, json={"instances": rows})
    assert response.status_code == 400
    assert response.json() == {"error": "row 1, column 'monthly spend': expected a number, got \"much\""}


def test_rows_that_only_the_model_finds_fault_with_are_a_400(start: Callable[..., Server], sample_dir: Path) -> None:
    """As a category that it does not allow; over gRPC, an INVALID_ARGUMENT."""
    server = start(sample_dir, slow=True, MODEL_NAME="m").wait("m")
    row = [98, *MyModel(dirpath=sample_dir).example.tolist()[0][1:]]
    for path in ("/v1/models/m:predict", "/v2/models/m/infer"):
        response = server.client.post(path, json={"instances": [row]})
        assert (response.status_code, response.json()) == (400, {"error": "row 0: begins with 98"})
    with pytest.raises(grpc.aio.AioRpcError) as error:
        grpc_infer(server, InferRequest("m", [InferInput("input-0", [1, len(row)], "FP64", row)]))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_clients_mistake_over_grpc_is_an_invalid_argument(server: Server) -> None:
    item = InferInput("input-0", [1, 2], "FP64", [1.0, 2.0])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        grpc_infer(server, InferRequest("numbers", [item]))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "expected 'input-0' FP64" in error.value.details()


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
    assert server.client.post(path, json={"instances": [[1]]}).status_code == status


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
    response = server.client.post(f"/v1/models/{name}:explain", json={"instances": [["x"]]})
    assert response.status_code == 400
    assert "row 0" in response.json()["error"]


def test_a_body_that_is_too_large_is_a_413(start: Callable[..., Server], sample_dir: Path) -> None:
    """Whether its length is announced or not; smaller ones are answered as before."""
    server = start(sample_dir, "--max_buffer_size=1000", MODEL_NAME="m").wait("m")
    path = "/v2/models/m/infer"
    large = b'{"instances": [' + b" " * 1000 + b"]}"
    response = server.client.post(path, content=large)
    assert response.status_code == 413
    assert "--max_buffer_size" in response.json()["error"]
    assert server.client.post(path, content=iter([large[:900], large[900:]])).status_code == 413
    assert server.client.post(path, content=(sample_dir / "input.json").read_bytes()).status_code == 200


def test_health_answers_while_a_prediction_runs_and_sigterm_lets_it_finish(
    start: Callable[..., Server], sample_dir: Path
) -> None:
    server = start(sample_dir, slow=True, MODEL_NAME="m").wait("m")
    row = MyModel(dirpath=sample_dir).example.tolist()[0]
    slow = {"instances": [[99, *row[1:]]]}
    matrix = InferInput("input-0", [1, len(row)], "FP64", [99, *row[1:]])
    with ThreadPoolExecutor(2) as pool:
        rest = pool.submit(httpx.post, f"{server.client.base_url}/v1/models/m:predict", json=slow, timeout=30)
        over_grpc = pool.submit(grpc_infer, server, InferRequest("m", [matrix]))
        # On the event loop, the first of them would keep these waiting until it is done.
        while 'requests_in_flight{model_name="m"} 2.0' not in server.client.get("/metrics").text:
            assert not rest.done()
            time.sleep(0.01)
        assert server.client.get("/v2/health/live").status_code == 200
        assert not rest.done()
        assert server.stop() == 0
        assert rest.result().status_code == 200
        assert len(over_grpc.result().outputs) == 1


def test_a_request_whose_client_left_is_not_run(start: Callable[..., Server], sample_dir: Path) -> None:
    """While others wait for a model that takes long, they do not wait for that one, too."""
    server = start(sample_dir, slow=True, MODEL_NAME="m").wait("m")
    row = MyModel(dirpath=sample_dir).example.tolist()[0]
    path, slow = "/v1/models/m:predict", {"instances": [[99, *row[1:]]]}
    server.client.post(path, json=slow)  # from now on it is known to take long
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(httpx.post, f"{server.client.base_url}{path}", json=slow, timeout=30)
        while 'requests_in_flight{model_name="m"} 1.0' not in server.client.get("/metrics").text:
            time.sleep(0.01)
        with pytest.raises(httpx.ReadTimeout):
            server.client.post(path, json=slow, timeout=0.5)
        assert first.result().status_code == 200
    metrics = server.client.get("/metrics").text
    assert 'inference_requests_total{door="v1",model_name="m",status="499"} 1.0' in metrics
    assert 'inference_batch_rows_sum{model_name="m"} 2.0' in metrics


@pytest.mark.parametrize(
    ("environment", "arguments", "complaint"),
    [
        ({}, [], "set MODEL_NAME"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "/absent"}, [], "MODEL_DIR is /absent"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "x"}, [], "--http_port: expected a whole number from 1, got 'x'"),
        ({"MODEL_NAME": "m"}, ["--max_bufer_size=1"], "--max_bufer_size=1"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "70000"}, [], "--http_port: expected a port"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "/" + "x" * 300}, [], "not a directory"),
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


@pytest.mark.parametrize(
    "change", [('"FP64"', '"FP32"'), ('"name": "monthly spend"', '"name": "age"'), ('"shape"', '"shap"')]
)
def test_changed_metadata_stops_the_start(
    start: Callable[..., Server], model_dir: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    shutil.copytree(model_dir, tmp_path / "0001")
    metadata = tmp_path / "0001" / "metadata.json"
    metadata.write_text(metadata.read_text().replace(*change))
    server = start(tmp_path, MODEL_NAME="m")
    server.process.wait(60)
    assert server.stop() == 1
    assert server.errors.splitlines()[-1].startswith("The server cannot start: ")
    assert "Traceback" not in server.errors


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
