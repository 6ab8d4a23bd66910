"""A server goes on, whatever the owner's code does: raises anything, never returns, or explains for a long time.

Servers are real ones; the owner's code is a program that changes what the project's own files do.
"""

from __future__ import annotations

import json
import pickle
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server, until

pytestmark = pytest.mark.slow

#: What a row begins with that makes the owner's code raise, and what it raises.
ERRORS = {91: "StopIteration", 92: "SystemExit", 93: "KeyboardInterrupt", 94: "GeneratorExit", 95: "Panic"}
HELD = 99
#: A server whose code raises for rows that begin so, and holds those that begin with 99 until there is a file "open".
#: It notes each explanation in a file, and holds them until there is a file "explain", if there is one "hold".
PROGRAM = f"""
import os, pathlib, time
import numpy as np
from sklearnserver.trainer import model, preprocessor
gate = pathlib.Path(os.environ["GATE"])
class Panic(BaseException): pass
errors = {ERRORS}
prep_func, contributions = preprocessor.prep_func, model.MyModel.contributions
def owners_code(X):
    time.sleep(0.001)  # so that the thread makes its calls
    for value in np.asarray(X)[:, 0]:
        if value in errors:
            raise eval(errors[value])("the owner's")
        while value == {HELD} and not (gate / "open").exists():
            time.sleep(0.01)
    return prep_func(X)
def explain(self, X):
    with (gate / "explained").open("a") as file:
        file.write("once\\n")
    while (gate / "hold").exists() and not (gate / "explain").exists():
        time.sleep(0.01)
    return contributions(self, X)
preprocessor.prep_func = owners_code
model.MyModel.contributions = explain
from sklearnserver.inferencer.__main__ import main
main()
"""
EVENT = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"}


def row(first: float = 5.1) -> dict[str, Any]:
    return {"instances": [[first, 3.5, 1.4, 0.2]]}


def ask(server: Server, way: str, first: float = 5.1) -> int:
    """Ask by one of the ways in; returns the status, which for gRPC is that of HTTP which means the same."""
    if way == "grpc":
        tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4])
        tensor.contents.fp64_contents.extend(row(first)["instances"][0])
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
            try:
                GRPCInferenceServiceStub(channel).ModelInfer(
                    pb.ModelInferRequest(model_name="m", inputs=[tensor]), timeout=30
                )
                return 200
            except grpc.RpcError as error:
                found = {grpc.StatusCode.INTERNAL: 500, grpc.StatusCode.UNAVAILABLE: 503}.get(error.code())
                assert found, error
                return found
    path = {"v2": "/v2/models/m/infer", "explain": "/v1/models/m:explain"}.get(way, "/v1/models/m:predict")
    response = post(server, path, row(first), headers=EVENT if way == "cloudevent" else {})
    if response.status_code != 200:
        assert response.json()["error"]
    return response.status_code


def post(server: Server, path: str, content: Any, **options: Any) -> httpx.Response:
    return httpx.post(server.address + path, json=content, **{"timeout": 30, **options})


def ways(sdk: str) -> list[str]:
    return ["v1", "v2", "explain", "cloudevent", *(["grpc"] if sdk == "kserve" else [])]


@pytest.fixture(params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def start(sdk: str, install: Callable[..., Path], tmp_path: Path) -> Callable[..., Server]:
    """Make a server with the owner's code of this module."""

    def start(*arguments: str, **environment: Any) -> Server:
        return Server(install("sklearn", sdk), *arguments, program=PROGRAM, GATE=str(tmp_path), **environment)

    return start


def test_what_the_owners_code_raises_is_one_requests_matter(
    sdk: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    """By every way in, among others and not: that request is a 500, all others are answered, and SIGTERM ends it."""
    with start() as server, ThreadPoolExecutor(20) as threads:
        for way in ways(sdk):
            for error in ERRORS:
                assert ask(server, way, error) == 500
            assert ask(server, way) == 200
        for way in ways(sdk):
            (tmp_path / "open").unlink(missing_ok=True)
            first = threads.submit(ask, server, way, HELD)
            time.sleep(0.2)
            others = [threads.submit(ask, server, way, value) for value in (5.1, *ERRORS, 6.2)]
            time.sleep(0.5)  # they wait now, and will be put together
            (tmp_path / "open").touch()
            assert [first.result(), *(other.result() for other in others)] == [200, 200, *[500] * len(ERRORS), 200]
        assert httpx.get(f"{server.address}/v2/health/live").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        for name in ERRORS.values():
            assert f"{name}: the owner's" in server.log
        assert "in owners_code" in server.log


def test_a_model_that_no_longer_answers_is_neither_live_nor_ready(
    sdk: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    """Until it does again."""
    live = ["/", "/v2/health/live"]
    checks = [*live, "/v1/models/m", *(["/v2/models/m/ready", "/ping"] if sdk == "kserve" else ["/v2/models/m/status"])]

    def statuses() -> set[int]:
        return {httpx.get(server.address + path).status_code for path in checks}

    with start(STUCK_SECONDS="1") as server, ThreadPoolExecutor(20) as threads:
        assert statuses() == {200}
        held = threads.submit(ask, server, "v1", HELD)
        until(lambda: statuses() == {503})
        for path in live:
            error = httpx.get(server.address + path).json()["error"]
            assert "model m" in error and "--stuck_seconds" in error
        for way in ways(sdk):
            assert ask(server, way) == 503
        if sdk == "kserve":
            with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
                assert not GRPCInferenceServiceStub(channel).ServerLive(pb.ServerLiveRequest()).live
        (tmp_path / "open").touch()
        assert held.result() == 200
        assert statuses() == {200}
        assert ask(server, "v1") == 200


def test_predictions_do_not_wait_for_explanations_which_have_a_queue_of_their_own(
    sdk: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    """They are refused where it is full, counted, logged, and not computed for clients that left."""
    explained = tmp_path / "explained"
    hold, go_on = tmp_path / "hold", tmp_path / "explain"

    def explain(**options: Any) -> httpx.Response:
        return post(server, "/v1/models/m:explain", row(), **options)

    def held() -> Future[httpx.Response]:
        explained.unlink(missing_ok=True)
        go_on.unlink(missing_ok=True)
        first = threads.submit(explain)
        until(explained.exists)
        return first

    with start("--max_waiting=1", "--access_log", "--log_format=json") as server, ThreadPoolExecutor(20) as threads:
        hold.touch()
        first = held()
        assert ask(server, "v1") == 200
        refused, waiting = wait([threads.submit(explain) for _ in range(2)], 30, FIRST_COMPLETED)
        (response,) = (item.result() for item in refused)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        go_on.touch()
        assert [item.result().status_code for item in (first, *waiting)] == [200, 200]
        assert len(explained.read_text().split()) == 2

        first = held()
        with pytest.raises(httpx.ReadTimeout):
            explain(timeout=0.5)
        time.sleep(0.2)  # for the server to notice
        go_on.touch()
        assert first.result().status_code == 200
        assert explain().status_code == 200
        assert len(explained.read_text().split()) == 2

        def logged() -> list[int]:
            lines = [json.loads(line) for line in server.log.splitlines()]
            return sorted(line["status"] for line in lines if line.get("protocol") == "explain")

        until(lambda: logged() == [200, 200, 200, 200, 499, 503])
        if sdk == "kserve":
            metrics = httpx.get(f"{server.address}/metrics").text
            for status, times in ((200, 4.0), (499, 1.0), (503, 1.0)):
                labels = f'model_name="m",protocol="explain",status="{status}"'
                assert f"inference_requests_total{{{labels}}} {times}" in metrics


def test_weights_that_changed_on_disk_are_never_unpickled(
    sdk: str, start: Callable[..., Server], install: Callable[..., Path], tmp_path: Path
) -> None:
    """Explanations need them again. They are refused with the file's name, and predictions go on."""

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "was run",)

    def explain() -> httpx.Response:
        return post(server, "/v1/models/m:explain", row())

    model_dir = tmp_path / "0001"
    shutil.copytree(install("sklearn", sdk) / "sklearnserver" / "example_models" / "0001", model_dir)
    weights = model_dir / "model.joblib"
    content = weights.read_bytes()
    with start(MODEL_DIR=str(model_dir)) as server:
        model_dir.rename(tmp_path / "elsewhere")
        assert explain().status_code == 503
        (tmp_path / "elsewhere").rename(model_dir)
        weights.write_bytes(pickle.dumps(Payload()))
        response = explain()
        assert response.status_code == 503
        assert "model.joblib" in response.json()["error"] and "changed" in response.json()["error"]
        assert ask(server, "v1") == 200
        weights.write_bytes(content)
        assert explain().status_code == 200
        weights.write_bytes(pickle.dumps(Payload()))
        assert explain().status_code == 200
    assert not (tmp_path / "was run").exists()
