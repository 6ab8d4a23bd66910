"""Promises of the server on KServe: its own clients, gRPC, metadata, metrics, and an orderly end."""

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
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig

from ...trainer.model import MyModel
from .conftest import Server, instances, without_text_gaps


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


def grpc_infer(server: Server, request: InferRequest) -> InferResponse:
    async def ask() -> InferResponse:
        client = InferenceGRPCClient(f"127.0.0.1:{server.grpc}")
        try:
            return await client.infer(request)
        finally:
            await client.close()

    return asyncio.run(ask())


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
    content = json.dumps(body).replace("NaN", "null")  # JSON has no NaN; a missing value is null
    answer = server.client.post(f"/v2/models/{name}/infer", content=content).json()
    assert [output["name"] for output in answer["outputs"]] == ["predict_proba", "predict"]
    assert answer["outputs"][0]["data"] == model.predict(without_text_gaps(X), proba=True).ravel().tolist()


def test_an_offer_of_http_2_is_ignored(server: Server, sample_dir: Path) -> None:
    """Java's HttpClient makes it, and so do Spring and Ktor."""
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    body = (sample_dir / "input.json").read_bytes()
    response = server.client.post("/v1/models/numbers:predict", content=body, headers=headers)
    assert response.json() == {"predictions": [0]}


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
        found = [{key: item[key] for key in ("name", "datatype", "shape")} for item in metadata[side]]
        assert found == tensors


def test_metrics_count_requests_by_protocol_and_status(start: Callable[..., Server], sample_dir: Path) -> None:
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
    for protocol, status in (("v1", "200"), ("v2", "200"), ("v2", "400"), ("grpc", "OK"), ("grpc", "INVALID_ARGUMENT")):
        assert f'inference_requests_total{{model_name="m",protocol="{protocol}",status="{status}"}} 1.0' in metrics
    assert 'inference_requests_in_flight{model_name="m"} 0.0' in metrics
    assert 'inference_batch_rows_sum{model_name="m"} 5.0' in metrics
    assert 'inference_queue_seconds_count{model_name="m"} 3.0' in metrics
    for most, calls in (("1.0", "2.0"), ("2.0", "2.0"), ("4.0", "3.0"), ("+Inf", "3.0")):
        assert f'inference_batch_rows_bucket{{le="{most}",model_name="m"}} {calls}' in metrics
    assert 'request_predict_seconds_count{model_name="m"} 2.0' in metrics
    for protocol, times in (("v1", 1.0), ("v2", 2.0), ("grpc", 2.0)):
        labels = f'{{model_name="m",protocol="{protocol}"}}'
        assert f"inference_request_duration_seconds_count{labels} {times}" in metrics
        for name in ("inference_request_bytes_total", "inference_response_bytes_total"):
            (value,) = [line.split()[-1] for line in metrics.splitlines() if line.startswith(name + labels)]
            assert float(value) > 10


def test_metrics_show_the_version_that_is_loaded_and_no_other(
    start: Callable[..., Server], sample_dir: Path, tmp_path: Path
) -> None:
    """What requests counted goes on when a model is loaded again."""
    shutil.copytree(sample_dir, tmp_path / "0001")
    server = start(tmp_path, MODEL_NAME="m").wait("m")
    body = {"instances": MyModel(dirpath=sample_dir).example.tolist()}

    def shown(start: str) -> list[str]:
        return [line for line in server.client.get("/metrics").text.splitlines() if line.startswith(start)]

    def change(what: str) -> None:
        assert server.client.post(f"/v2/repository/models/m/{what}").status_code == 200

    for version in ("0001", "0002"):
        (info,) = shown("inference_model_info{")
        assert f'version="{version}"' in info and 'model_name="m"' in info and 'runtime="' in info
        server.client.post("/v1/models/m:predict", json=body)
        shutil.copytree(sample_dir, tmp_path / "0002", dirs_exist_ok=True)
        change("load")
    assert shown("inference_requests_total")[0].endswith(" 2.0")
    change("unload")
    assert shown("inference_model_info{") == []


def test_a_clients_mistake_over_grpc_is_an_invalid_argument(server: Server) -> None:
    item = InferInput("input-0", [1, 2], "FP64", [1.0, 2.0])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        grpc_infer(server, InferRequest("numbers", [item]))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "expected 'input-0' FP64" in error.value.details()


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
    assert 'inference_requests_total{model_name="m",protocol="v1",status="499"} 1.0' in metrics
    assert 'inference_batch_rows_sum{model_name="m"} 2.0' in metrics


def test_a_request_keeps_its_id(server: Server, sample_dir: Path) -> None:
    body = (sample_dir / "input.json").read_bytes()
    response = server.client.post("/v1/models/numbers:predict", content=body, headers={"X-Request-Id": "abc-1"})
    assert response.headers["x-request-id"] == "abc-1"


def test_rows_that_only_the_model_finds_fault_with_are_an_invalid_argument(
    start: Callable[..., Server], sample_dir: Path
) -> None:
    """Over gRPC, as they are a 400 over REST."""
    server = start(sample_dir, slow=True, MODEL_NAME="m").wait("m")
    row = [98, *MyModel(dirpath=sample_dir).example.tolist()[0][1:]]
    with pytest.raises(grpc.aio.AioRpcError) as error:
        grpc_infer(server, InferRequest("m", [InferInput("input-0", [1, len(row)], "FP64", row)]))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
