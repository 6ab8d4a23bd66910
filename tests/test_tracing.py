"""Each request is a span of its caller's trace, and each of its steps one below: with OpenTelemetry's real packages.

They are installed beside a project, and not into it: other tests use it, too.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server, beside

pytestmark = pytest.mark.slow

INSTRUMENTATION = ["opentelemetry-distro==0.66b2", "opentelemetry-instrumentation-fastapi==0.66b2"]
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
ROW = [5.1, 3.5, 1.4, 0.2]
EXPORT: dict[str, Any] = {
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
}
#: As an owner instruments, in `main` of inferencer/__main__.py.
INSTRUMENTED = """
from sklearnserver.inferencer.config import read_arguments
read_arguments()
from kserve.model_server import app
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
from sklearnserver.inferencer.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def project(install: Callable[[str, str], Path]) -> Path:
    return install("sklearn", "kserve")


@pytest.fixture(scope="module")
def packages(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extra otel and the instrumentation, in a folder for PYTHONPATH, in versions that suit the project's lock."""
    return beside(project, tmp_path_factory.mktemp("otel"), SDKS["kserve"]["extras"]["otel"] + INSTRUMENTATION)


def spans(server: Server) -> list[dict[str, Any]]:
    """End a server, and return the spans that it has printed."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    return [json.loads(found) for found in re.findall(r"^\{$.*?^\}$", server.log, re.MULTILINE | re.DOTALL)]


def ask(server: Server) -> None:
    """Ask by each way in."""
    for path in ("/v1/models/m:predict", "/v2/models/m/infer", "/v1/models/m:explain"):
        assert server.client.post(path, json={"instances": [ROW]}, headers=HEADERS).status_code == 200
    assert server.client.post("/v1/models/m:predict", json={"instances": "x"}, headers=HEADERS).status_code == 400
    tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4])
    tensor.contents.fp64_contents.extend(ROW)
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        stub.ModelInfer(pb.ModelInferRequest(model_name="m", inputs=[tensor]), metadata=[*HEADERS.items()])


STEPS = ["decode", "queue", "predict", "encode"]
REQUESTS = [
    ("POST /v1/models/{model_name}:predict", 200, STEPS),
    ("POST /v2/models/{model_name}/infer", 200, STEPS),
    ("POST /v1/models/{model_name}:explain", 200, ["decode", "queue", "explain", "encode"]),
    ("POST /v1/models/{model_name}:predict", 400, []),
    ("inference.GRPCInferenceService/ModelInfer", "OK", STEPS),
]


@pytest.mark.parametrize("how", ["the extra otel", "instrument_app", "opentelemetry-instrument"])
def test_requests_and_their_steps_are_spans_of_the_callers_trace(project: Path, packages: Path, how: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "the extra otel": {},
        "instrument_app": {"program": INSTRUMENTED},
        "opentelemetry-instrument": {"wrap": lambda *command: [packages / "bin/opentelemetry-instrument", *command]},
    }
    with Server(project, PYTHONPATH=str(packages), **EXPORT, **ways[how]) as server:
        ask(server)
        found = [item for item in spans(server) if item["context"]["trace_id"] == f"0x{TRACE}"]
    requests = [item for item in found if item["parent_id"] == f"0x{CALLER}"]
    # The instrumentation's own are of messages, named after the request.
    steps = [item for item in found if item not in requests and " http " not in item["name"]]
    seen = []
    for request in sorted(requests, key=lambda item: str(item["start_time"])):
        assert request["kind"] == "SpanKind.SERVER"
        attributes = request["attributes"]
        status = attributes.get("http.response.status_code", attributes.get("rpc.response.status_code"))
        below = [item for item in steps if item["parent_id"] == request["context"]["span_id"]]
        for step in below:
            assert request["start_time"] <= step["start_time"] <= step["end_time"] <= request["end_time"]
        seen.append((request["name"], status, [item["name"] for item in sorted(below, key=lambda x: x["start_time"])]))
    assert seen == REQUESTS
    assert len(steps) == sum(len(names) for _, _, names in REQUESTS)


@pytest.mark.parametrize("variables", [{}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}])
def test_nothing_of_it_is_loaded_unless_asked_for(project: Path, packages: Path, variables: dict[str, Any]) -> None:
    program = """
import atexit, sys
atexit.register(lambda: print("LOADED", [name for name in sys.modules if name.startswith("opentelemetry.sdk")]))
from sklearnserver.inferencer.__main__ import main
main()
"""
    with Server(project, program=program, PYTHONPATH=str(packages), **variables) as server:
        ask(server)
        assert spans(server) == []
        assert server.log.splitlines()[-1] == "LOADED []"


def test_without_the_extra_the_log_says_what_is_missing(project: Path) -> None:
    with Server(project, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as server:
        ask(server)
        assert "pip install 'sklearnserver[otel]'" in server.log
