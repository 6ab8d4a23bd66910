"""No answer carries what a client sent in its headers, but for X-Request-Id and traceparent; each says its length once.

Headers hold credentials: an answer that echoes them hands them to caches, logs and other origins. Requests are
written to a socket byte by byte, because clients hide what they are sent.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server

pytestmark = pytest.mark.slow

SECRETS = {
    "Authorization": "Bearer secret-1",
    "Cookie": "session=secret-2",
    "Set-Cookie": "session=secret-3",
    "X-Secret": "secret-4",
    "Content-Encoding": "identity",
    "Content-Language": "secret-5",
    "Location": "http://secret-6",
    "Access-Control-Allow-Origin": "http://secret-7",
    "Cache-Control": "max-age=99, secret-8",
    "X-Request-Id": "id-9",
    "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
#: What an answer may have: what HTTP, the protocols and CloudEvents define for answers.
ALLOWED = {"connection", "content-length", "content-type", "date", "etag", "inference-header-content-length", "server"}
ALLOWED |= {"transfer-encoding", "vary", "x-request-id", "traceparent", "allow", "retry-after"}
ROW = [5.1, 3.5, 1.4, 0.2]
INSTANCES = json.dumps({"instances": [ROW]}).encode()
TENSOR = {"name": "input-0", "datatype": "FP64", "shape": [1, 4]}
V2 = json.dumps({"inputs": [{**TENSOR, "data": ROW}]}).encode()
BINARY = json.dumps(
    {
        "inputs": [{**TENSOR, "datatype": "FP32", "parameters": {"binary_data_size": 16}}],
        "parameters": {"binary_data_output": True},
    }
).encode()
EVENT = {"id": "1", "source": "test", "type": "test", "specversion": "1.0", "time": "2026-01-01T00:00:00Z"}
STRUCTURED = json.dumps({**EVENT, "data": {"instances": [ROW]}}).encode()
JSON = {"Content-Type": "application/json"}
CE_BINARY = {**JSON, **{f"ce-{name}": value for name, value in EVENT.items()}}
CE_STRUCTURED = {"Content-Type": "application/cloudevents+json"}
PREDICT, EXPLAIN, INFER = "/v1/models/m:predict", "/v1/models/m:explain", "/v2/models/m/infer"


class Way(NamedTuple):
    """A way in: a request, and the status of its answer."""

    path: str
    body: bytes | None = None
    headers: dict[str, str] = JSON
    status: int = 200


WAYS = {
    "V1": Way(PREDICT, INSTANCES),
    "V2": Way(INFER, V2),
    "V2, binary": Way(
        INFER,
        BINARY + b"\0" * 16,
        {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(BINARY))},
    ),
    "explain": Way(EXPLAIN, INSTANCES),
    "explain, some text": Way(EXPLAIN, INSTANCES, {"Content-Type": "text/plain; charset=secret-10"}),
    "event": Way(PREDICT, INSTANCES, CE_BINARY),
    "event with extensions": Way(PREDICT, INSTANCES, {**CE_BINARY, "ce-extension": "secret-12", "ce-id": "secret-13"}),
    "event of some source": Way(PREDICT, INSTANCES, {**CE_BINARY, "ce-source": "secret-14", "ce-type": "secret-15"}),
    "load": Way("/v2/repository/models/m/load", b""),
    "live": Way("/v2/health/live"),
    "root": Way("/"),
    "ready": Way("/v1/models/m"),
    "models": Way("/v1/models"),
    "mistake": Way(PREDICT, b"{}", status=400),
    "mistake in explain": Way(EXPLAIN, b"{}", status=400),
    "mistake in an event": Way(PREDICT, b"{}", CE_BINARY, 400),
    "absent": Way("/v1/models/absent:explain", INSTANCES, status=404),
    "elsewhere": Way("/elsewhere", INSTANCES, status=404),
}
#: KFServing knows explanations of V2 and no events there; KServe's V1 takes events of both kinds.
KFSERVING = {"explain, V2": Way("/v2/models/m/explain", INSTANCES)}
KSERVE = {
    "event to explain": Way(EXPLAIN, INSTANCES, CE_BINARY),
    "structured event": Way(PREDICT, STRUCTURED, CE_STRUCTURED),
    "structured event to explain": Way(EXPLAIN, STRUCTURED, CE_STRUCTURED),
    "half an event to explain": Way(EXPLAIN, INSTANCES, {**JSON, "ce-id": "secret-11"}),
    "metadata": Way("/v2/models/m"),
    "server ready": Way("/v2/health/ready"),
    "metrics": Way("/metrics"),
    "invocations": Way("/invocations", INSTANCES),
}
CASES = [
    pytest.param(sdk, way, chunked, id=f"{sdk}-{name}{'-chunked' if chunked else ''}")
    for sdk in SDKS
    for name, way in {**WAYS, **(KSERVE if sdk == "kserve" else KFSERVING)}.items()
    for chunked in ([False, True] if way.body is not None else [False])
]


@pytest.fixture(scope="module")
def servers(install: Callable[..., Path]) -> Iterator[Callable[[str], Server]]:
    """A server of each SDK."""
    running: dict[str, Server] = {}

    def serve(sdk: str) -> Server:
        if sdk not in running:
            running[sdk] = Server(install("sklearn", sdk)).__enter__()
        return running[sdk]

    yield serve
    for server in running.values():
        server.__exit__()


def exchange(port: int, way: Way, chunked: bool) -> tuple[int, list[tuple[str, str]], bytes]:
    """Ask on a socket of its own; returns status, headers and body of the answer, as they come."""
    head = [f"{'GET' if way.body is None else 'POST'} {way.path} HTTP/1.1", "Host: localhost", "Connection: close"]
    head += [f"{name}: {value}" for name, value in {**SECRETS, **way.headers}.items()]
    body = way.body or b""
    if chunked:
        head.append("Transfer-Encoding: chunked")
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    elif way.body is not None:
        head.append(f"Content-Length: {len(body)}")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    top, _, rest = answer.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(status.split()[1]), headers, rest


@pytest.mark.parametrize(("sdk", "way", "chunked"), CASES)
def test_an_answer_has_no_header_of_its_request(
    servers: Callable[[str], Server], sdk: str, way: Way, chunked: bool
) -> None:
    status, headers, body = exchange(servers(sdk).http, way, chunked)
    assert status == way.status, body
    names = [name for name, _ in headers]
    assert len(set(names)) == len(names)
    assert {name for name in names if not name.startswith("ce-")} <= ALLOWED
    assert not {"transfer-encoding", "content-length"} <= set(names)
    assert "secret" not in str(headers) and b"secret" not in body
    lengths = [int(value) for name, value in headers if name == "content-length"]
    assert lengths in ([], [len(body)])
    if way.path in (PREDICT, INFER, EXPLAIN):
        assert dict(headers)["x-request-id"] == "id-9"
        assert dict(headers)["traceparent"] == SECRETS["Traceparent"]


def test_an_answer_over_grpc_has_no_metadata_of_its_request(servers: Callable[[str], Server]) -> None:
    """But a prediction's has that by which a client finds it again."""
    metadata = [(name.lower(), value) for name, value in SECRETS.items()]
    contents = pb.InferTensorContents(fp64_contents=ROW)
    tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4], contents=contents)
    with grpc.insecure_channel(f"127.0.0.1:{servers('kserve').grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        calls = [
            (stub.ModelInfer, pb.ModelInferRequest(model_name="m", inputs=[tensor])),
            (stub.ModelInfer, pb.ModelInferRequest(model_name="absent", inputs=[tensor])),
            (stub.ModelInfer, pb.ModelInferRequest(model_name="m")),
            (stub.ModelReady, pb.ModelReadyRequest(name="m")),
            (stub.ServerLive, pb.ServerLiveRequest()),
            (stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name="m")),
        ]
        for method, request in calls:
            try:
                answer, call = method.with_call(request, metadata=metadata, timeout=30)
            except grpc.RpcError as error:
                answer, call = error.details(), error
            found = [*call.initial_metadata(), *call.trailing_metadata()]
            assert "secret" not in str(found) + str(answer)
            carried = {"x-request-id", "traceparent"} if method is stub.ModelInfer else set()
            assert {name for name, _ in found} & {name for name, _ in metadata} == carried
