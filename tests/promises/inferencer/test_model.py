"""Promises of the server on every SDK: the same answers everywhere, honest errors, and an honest start."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ..._engine.artifact import compiled, metadata
from ..._engine.serving.choosing import Choosing
from ...trainer._core import Model
from ...trainer.model import MyModel
from .conftest import PACKAGE, ROWS, Server, instances, says_why_it_ends
from .errors import ERRORS  # those of the SDK


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
    """The compiled and the native model give the same labels, and scores to 1e-5; one that is not there is refused. The
    log says which file answers.
    """
    if not metadata.read(sample_dir).compiled:
        server = start(sample_dir, MODEL_NAME="m", RUNTIME="onnx")
        says_why_it_ends(server, "has no compiled model, which the runtime onnx needs")
        return
    body = {"instances": MyModel(dirpath=sample_dir).example.tolist(), "parameters": {"predict_proba": True}}
    answers = {}
    for runtime, platform in (("native", MyModel.FRAMEWORK), ("onnx", "onnxruntime")):
        server = start(sample_dir, MODEL_NAME="m", RUNTIME=runtime).wait("m")
        answers[runtime] = server.client.post("/v1/models/m:predict", json=body).json()["predictions"]
        server.stop()
        file = MyModel.WEIGHTS if runtime == "native" else f"model.onnx answers, {MyModel.WEIGHTS} was not opened"
        assert f"which runs on {platform}: {file}" in server.errors
    np.testing.assert_allclose(answers["onnx"], answers["native"], rtol=1e-5, atol=1e-5)


def test_many_rows_are_answered_alike_by_both_forms(
    sample_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where training found the framework quicker with many rows, it is loaded when they come, and timed here."""
    found = metadata.read(sample_dir)
    if not found.compiled:
        assert MyModel(dirpath=sample_dir, runtime="auto").native_from is None
        return
    copy = shutil.copytree(sample_dir, tmp_path / "0001")
    metadata.write(copy, msgspec.structs.replace(found, compiled={**found.compiled, "native_from": 64}))
    model = MyModel(dirpath=copy, runtime="auto")
    rows = compiled.repeated(model.example, 1024)
    expected = model.answer(rows, True)
    choosing = Choosing(model)
    with caplog.at_level("INFO"):
        np.testing.assert_array_equal(choosing.answer(rows, True), expected)
        for thread in [thread for thread in threading.enumerate() if thread.name == "native"]:
            thread.join()
        np.testing.assert_allclose(choosing.answer(rows, True), expected, rtol=1e-5, atol=1e-5)
    assert f"answered by {MyModel.FRAMEWORK}" in caplog.text or "compiled model: it is as quick here" in caplog.text
    assert MyModel(dirpath=copy, runtime="onnx").native_from is None


def test_rows_that_only_the_model_finds_fault_with_are_a_400(start: Callable[..., Server], sample_dir: Path) -> None:
    """As a category that it does not allow."""
    server = start(sample_dir, slow=True, MODEL_NAME="m").wait("m")
    row = [98, *MyModel(dirpath=sample_dir).example.tolist()[0][1:]]
    for path in ("/v1/models/m:predict", "/v2/models/m/infer"):
        response = server.client.post(path, json={"instances": [row]})
        assert (response.status_code, response.json()) == (400, {"error": "row 0: begins with 98"})


def test_an_explanation_says_what_each_column_adds_or_that_there_is_none(server: Server, case: Any) -> None:
    """The compiled model answers predictions; the model itself explains them."""
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


def test_an_error_of_the_models_code_is_no_lack_of_explanations(start: Callable[..., Server], sample_dir: Path) -> None:
    if MyModel.contributions is Model.contributions:
        pytest.skip("this framework gives no explanations")
    server = start(sample_dir, slow=True, MODEL_NAME="m", ERRORS="NotImplementedError owners").wait("m")
    row = MyModel(dirpath=sample_dir).example.tolist()[0]
    response = server.client.post("/v1/models/m:explain", json={"instances": [[97, 0, *row[2:]]]})
    assert response.status_code == 500
    assert "owners" not in response.text
    server.stop()
    assert "NotImplementedError: owners" in server.errors


def test_a_request_can_be_logged_as_json(start: Callable[..., Server], sample_dir: Path) -> None:
    server = start(sample_dir, "--access_log", "--log_format=json", MODEL_NAME="m").wait("m")
    body = (sample_dir / "input.json").read_bytes()
    server.client.post("/v1/models/m:predict", content=body, headers={"X-Request-Id": "abc-1"})
    server.stop()
    (line,) = [line for line in map(json.loads, server.errors.splitlines()) if "protocol" in line]
    assert (line["model"], line["protocol"], line["status"], line["request_id"]) == ("m", "v1", 200, "abc-1")


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
    assert server.client.post(path, json={"instances": [[1]]}).status_code == status


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


@pytest.mark.parametrize(
    ("environment", "arguments", "complaint"),
    [
        ({}, [], "set MODEL_NAME"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "/absent"}, [], "MODEL_DIR is /absent"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "file:///absent"}, [], "file:///absent, which is not a directory"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "x"}, [], "--http_port: expected a port from 1 to 65535, got 'x'"),
        ({"MODEL_NAME": "m"}, ["--max_bufer_size=1"], "--max_bufer_size=1"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "70000"}, [], "--http_port: expected a port from 1 to 65535, got '70000'"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "/" + "x" * 300}, [], "not a directory"),
        ({"MODEL_NAME": "m"}, ["--workers=2"], "scale by replicas"),
        ({"MODEL_NAME": "m", "DRAIN_SECONDS": "nan"}, [], "--drain_seconds: expected a number of seconds"),
    ],
)
def test_a_server_that_cannot_start_says_why_and_exits(
    start: Callable[..., Server], sample_dir: Path, environment: dict[str, str], arguments: list[str], complaint: str
) -> None:
    says_why_it_ends(start(sample_dir, *arguments, **environment), complaint)


def test_a_port_that_is_taken_stops_the_start(start: Callable[..., Server], server: Server, sample_dir: Path) -> None:
    second = start(sample_dir, MODEL_NAME="m", HTTP_PORT=str(server.http))
    says_why_it_ends(second, f"port {server.http} cannot be used")


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
    says_why_it_ends(start(tmp_path, MODEL_NAME="m"), "SHA-256 differs")


@pytest.mark.parametrize(
    "change", [('"FP64"', '"FP32"'), ('"name": "monthly spend"', '"name": "age"'), ('"shape"', '"shap"')]
)
def test_changed_metadata_stops_the_start(
    start: Callable[..., Server], model_dir: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    shutil.copytree(model_dir, tmp_path / "0001")
    metadata = tmp_path / "0001" / "metadata.json"
    metadata.write_text(metadata.read_text().replace(*change))
    says_why_it_ends(start(tmp_path, MODEL_NAME="m"), "The server cannot start: ")


@pytest.mark.parametrize(
    "way", ["v1", "v2", "event", *(["explain"] if MyModel.contributions is not Model.contributions else [])]
)
def test_whatever_the_models_code_raises_is_a_500_with_a_traceback(
    start: Callable[..., Server], sample_dir: Path, way: str
) -> None:
    """A status of another server, as the owner's HTTP client raises it, is not this server's."""
    errors = [*ERRORS, f"{PACKAGE}.trainer._core.ModelError wrong"]
    server = start(sample_dir, slow=True, MODEL_NAME="m", ERRORS=",".join(errors)).wait("m")
    row = MyModel(dirpath=sample_dir).example.tolist()[0]
    path = {"v2": "/v2/models/m/infer", "explain": "/v1/models/m:explain"}.get(way, "/v1/models/m:predict")
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"} if way == "event" else {}
    for at, error in enumerate(errors):
        response = server.client.post(path, json={"instances": [[97, at, *row[2:]]]}, headers=event)
        assert (response.status_code, "the server's log says why" in response.text) == (500, True), (error, response)
    server.stop()
    for error in errors:
        assert error.split()[0].rpartition(".")[2] in server.errors
    assert server.errors.count("in slow") >= len(errors)


def test_a_version_that_only_the_settings_speak_against_stops_the_start(
    start: Callable[..., Server], sample_dir: Path, tmp_path: Path
) -> None:
    """An older one would answer in its place, and nobody would know."""
    for version in ("0001", "0002"):
        shutil.copytree(sample_dir, tmp_path / version)
    found = metadata.read(sample_dir)
    files = {name: digest for name, digest in found.files.items() if name != compiled.FILE or not found.compiled}
    metadata.write(tmp_path / "0002", msgspec.structs.replace(found, compiled=None, files=files))
    server = start(tmp_path, MODEL_NAME="m", RUNTIME="onnx")
    says_why_it_ends(server, "0002 has no compiled model, which the runtime onnx needs")
