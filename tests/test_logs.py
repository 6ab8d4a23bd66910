"""All that a server prints is in one form, from its first line to its last, whatever clients and models do."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server, free_port

pytestmark = pytest.mark.slow

ROW = [5.1, 3.5, 1.4, 0.2]
PREDICT = "/v1/models/m:predict"
#: A server whose owner's code has a mistake, which rows that begin with 99 find, and logs and warns as libraries do.
PROGRAM = """
import logging, warnings
import numpy as np
from sklearnserver.trainer import preprocessor
prep_func = preprocessor.prep_func
def owners_code(X):
    if (np.asarray(X)[:, 0] == 99).any():
        logging.getLogger("owner").warning("\\x1b[31mtwo\\n\\nlines\\x1b[0m")
        logging.getLogger("owner").error("")
        warnings.warn("the owner's warning")
        raise KeyError("the owner's\\n\\nmistake")
    return prep_func(X)
preprocessor.prep_func = owners_code
from sklearnserver.inferencer.__main__ import main
main()
"""


@pytest.fixture(params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def life(project: Path, sdk: str, models: Path, *options: str) -> str:
    """All output of a server that is asked, rightly and wrongly, fails, loads, unloads and ends."""
    shutil.copytree(project / "sklearnserver/example_models/0001", models / "0001")
    with Server(project, *options, program=PROGRAM, MODEL_DIR=str(models)) as server:
        ask = server.client
        for first, status in ((5.1, 200), ("x", 400), (99, 500)):
            body = {"instances": [[first, *ROW[1:]]]}
            headers = {"X-Request-Id": "id-1", "Authorization": "Bearer secret", "X-Secret": "secret"}
            assert ask.post(PREDICT, json=body, headers=headers).status_code == status
        for path in ("/v1/models/absent", "/elsewhere", "/v1/models/a%0Astatus=200%1B[31m"):
            assert ask.get(path).status_code == 404
            assert ask.post(f"{path}:predict", json={}).status_code in (404, 405)
        if sdk == "kserve":
            with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
                stub = GRPCInferenceServiceStub(channel)
                calls: list[tuple[Any, Any]] = [
                    (stub.ModelInfer, pb.ModelInferRequest(model_name="m")),
                    (stub.ModelReady, pb.ModelReadyRequest(name="absent")),
                    (stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name="absent")),
                ]
                for call, request in calls:
                    with pytest.raises(grpc.RpcError):
                        call(request)
                assert stub.ServerLive(pb.ServerLiveRequest()).live
        for change, status in (("m/load", 200), ("absent/load", 404), ("absent/unload", 404)):
            assert ask.post(f"/v2/repository/models/{change}").status_code == status
        (models / "0001" / "input.json").write_text("{}")
        assert ask.post("/v2/repository/models/m/load").status_code == 503
        assert ask.post("/v2/repository/models/m/unload").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert "secret" not in server.log
        return server.log


def test_each_line_is_an_object(sdk: str, install: Callable[..., Path], tmp_path: Path) -> None:
    log = life(install("sklearn", sdk), sdk, tmp_path / "models", "--log_format=json", "--access_log")
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) and line["message"] for line in lines)

    def about(text: str) -> list[str]:
        return [line["level"] for line in lines if text in line["message"]]

    assert [line["status"] for line in lines if line.get("request_id") == "id-1"] == [200, 400, 500]
    (failure,) = [line for line in lines if "exception" in line]
    assert failure["level"] == "error" and "in owners_code" in failure["exception"]
    assert about("input.json") == ["warning"]
    assert about("Unloaded model m") == ["info"]
    assert about("two\\n\\nlines") == about("the owner's warning") == ["warning"]
    assert not about("Exception:") and not about("grpc method") and "\x1b" not in log


def test_no_line_of_text_is_empty(sdk: str, install: Callable[..., Path], tmp_path: Path) -> None:
    """Requests that fail are a line each. What the owner's code raises has its traceback."""
    log = life(install("sklearn", sdk), sdk, tmp_path / "models", "--access_log")
    assert "\x1b" not in log
    lines = log.splitlines()
    assert all(line.strip() for line in lines)
    assert lines.count("Traceback (most recent call last):") in (1, 2)  # one error, and its cause
    assert len([line for line in lines if "input.json" in line]) == 1
    (line,) = [line for line in lines if "id-1" in line and "status=400" in line]
    assert "INFO inference.access: request model=m protocol=v1 status=400 ms=" in line


def test_the_level_leaves_out_what_is_below(sdk: str, install: Callable[..., Path], tmp_path: Path) -> None:
    log = life(install("sklearn", sdk), sdk, tmp_path / "models", "--log_format=json", "--log_level=error")
    assert {json.loads(line)["level"] for line in log.splitlines()} == {"error"}


def test_a_start_that_fails_is_one_object(sdk: str, install: Callable[..., Path], tmp_path: Path) -> None:
    server = Server(install("sklearn", sdk), "--log_format=json", MODEL_DIR=str(tmp_path), HTTP_PORT=str(free_port()))
    server.client.close()
    assert server.process.wait(60) == 1
    (line,) = map(json.loads, server.log.splitlines())
    assert line["level"] == "critical" and line["message"].startswith("The server cannot start: ")
