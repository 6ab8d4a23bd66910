"""Every way in of a real server: the routes that it has, errors in one form, bodies nobody reads, clients that left."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import httpx
import pytest
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server, until

pytestmark = pytest.mark.slow

ROW = [5.1, 3.5, 1.4, 0.2]
BODY = {"instances": [ROW]}
JSON = "application/json"
#: What a request begins with.
HEAD = b"GET /v1/models/m HTTP/1.1\r\nHost: m\r\nX-Any: "


class Way(NamedTuple):
    """A route: how it is asked, and its answer: status, type, and what its body begins with or has for keys.

    `wrong` is the status where it is asked by another method.
    """

    path: str
    method: str = "GET"
    status: int = 200
    type: str = JSON
    body: str | set[str] = "{"
    wrong: int = 405


PREDICTIONS = [
    Way("/v1/models/m:predict", "POST", body={"predictions"}),
    Way("/v2/models/m/infer", "POST", body={"predictions"}),
    Way("/v1/models/m:explain", "POST", body={"explanations"}),
]
REPOSITORY = [
    Way("/v2/repository/models/m/load", "POST", body={"name", "load"}),
    Way("/v2/repository/models/m/unload", "POST", body={"name", "unload"}),
]
#: All that a server answers, in the order in which it is asked: the last one takes the model away.
ROUTES: dict[str, list[Way]] = {
    "kserve": [
        *PREDICTIONS,
        Way("/invocations", "POST", body={"predictions"}, wrong=404),
        Way("/v2/models/m/versions/0001/infer", "POST", body={"predictions"}),
        Way("/v2/models/m/versions/7/infer", "POST", 404, body={"error"}),
        Way("/", body={"status"}),
        Way("/ping", type="", body=""),
        Way("/metrics", type="text/plain", body="#"),
        Way("/v1/models", body={"models"}),
        Way("/v1/models/m", body={"name", "ready"}),
        Way("/v2", body={"name", "version", "extensions"}),
        Way("/v2/health/live", body={"live"}),
        Way("/v2/health/ready", body={"ready"}),
        Way("/v2/models", body={"models"}),
        Way("/v2/models/m", body={"name", "versions", "platform", "inputs", "outputs"}),
        Way("/v2/models/m/ready", body={"name", "ready"}),
        Way("/v2/models/m/versions/0001", body={"name", "versions", "platform", "inputs", "outputs"}),
        Way("/v2/models/m/versions/0001/ready", body={"name", "ready"}),
        Way("/v2/models/m/versions/7/ready", status=404, body={"error"}),
        Way("/v2/repository/index", "POST", body="[", wrong=405),
        Way("/openapi.json", body={"openapi", "info", "paths", "components", "tags"}),
        Way("/docs", status=404, body={"error"}),
        *REPOSITORY,
    ],
    "kfserving": [
        *PREDICTIONS,
        Way("/v2/models/m/explain", "POST", body={"explanations"}),
        Way("/", type="text/html", body="Alive"),
        Way("/v1/models", body='["m"]'),
        Way("/v1/models/m", body={"name", "ready"}),
        Way("/v2/health/live", type="text/html", body="Alive"),
        Way("/v2/models", body='["m"]'),
        Way("/v2/models/m/status", body={"name", "ready"}),
        *REPOSITORY,
    ],
}
EVENT = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"}
WAYS = {
    "v1": ("/v1/models/m:predict", {}),
    "v2": ("/v2/models/m/infer", {}),
    "explain": ("/v1/models/m:explain", {}),
    "cloudevent": ("/v1/models/m:predict", EVENT),
}
#: A server whose model keeps rows that begin with 99 until there is a file "open", and notes each row that it is asked.
HELD = """
import os, pathlib, time
import numpy as np
from sklearnserver.trainer import preprocessor
gate = pathlib.Path(os.environ["GATE"])
prep_func = preprocessor.prep_func
def held(X):
    time.sleep(0.001)  # so that the thread makes its calls
    with (gate / "asked").open("a") as file:
        file.write("".join(f"{value:g}\\n" for value in np.asarray(X)[:, 0]))
    while (np.asarray(X)[:, 0] == 99).any() and not (gate / "open").exists():
        time.sleep(0.01)
    return prep_func(X)
preprocessor.prep_func = held
from sklearnserver.inferencer.__main__ import main
main()
"""
#: Servers where a head may take a second.
IMPATIENT = {
    "kserve": """
from sklearnserver.inferencer.config import read_arguments
read_arguments()
from sklearnserver._engine.sdk import connection
connection.SECONDS = 1
""",
    "kfserving": """
from sklearnserver._engine.sdk import connection
connection.IDLE = 1
""",
}
#: Servers whose owner added middleware: as KServe's documentation does for CORS, and as OpenTelemetry instruments.
OWNERS = {
    "cors": """
from sklearnserver.inferencer.config import read_arguments
read_arguments()
from fastapi.middleware.cors import CORSMiddleware
from kserve.model_server import app
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
""",
    "instrumentation": """
from sklearnserver.inferencer.config import read_arguments
read_arguments()
from kserve.model_server import app
class Traced:
    def __init__(self, app):
        self.app = app
    async def __call__(self, scope, receive, send):
        async def traced(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"access-control-allow-origin", b"*")]
            await send(message)
        await self.app(scope, receive, traced)
build = app.build_middleware_stack
app.build_middleware_stack = lambda: Traced(build())
""",
}
MAIN = "from sklearnserver.inferencer.__main__ import main\nmain()\n"


@pytest.fixture(params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def server(sdk: str, install: Callable[..., Path]) -> Iterator[Server]:
    with Server(install("sklearn", sdk), MAX_BUFFER_SIZE="1000000") as server:
        yield server


def test_each_route_has_its_answer(sdk: str, server: Server) -> None:
    """HEAD is answered as GET, without the body; other methods are refused with those that there are."""
    for way in ROUTES[sdk]:
        headers = {"Authorization": "Bearer secret", "X-Secret": "secret"}
        body = BODY if way.method == "POST" else None
        answer = server.client.request(way.method, way.path, json=body, headers=headers)
        assert (answer.status_code, answer.headers.get("content-type", "").split(";")[0]) == (way.status, way.type), way
        assert "secret" not in str(answer.headers)
        if isinstance(way.body, set):
            assert set(answer.json()) == way.body
        else:
            assert answer.text.startswith(way.body)
        if way.method == "GET":
            head = server.client.head(way.path, headers=headers)
            assert (head.status_code, head.content) == (way.status, b""), way
            assert head.headers.get("content-type") == answer.headers.get("content-type")
        for method in ("PUT", "GET" if way.method == "POST" else "POST") if way.status == 200 else ():
            wrong = server.client.request(method, way.path, json=BODY)
            assert (wrong.status_code, set(wrong.json())) == (way.wrong, {"error"}), (method, way)
            assert way.wrong != 405 or way.method in wrong.headers["allow"].split(", "), (method, way)
    for path in ("/elsewhere", "/v1/models/m/"):  # which is no redirection to the host that the client named
        missing = server.client.get(path)
        assert (missing.status_code, set(missing.json())) == (404, {"error"})
    assert server.client.head("/elsewhere").status_code == 404


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_that_nobody_needs_are_not_kept_and_who_sends_first_reads_the_answer(
    server: Server, chunked: bool
) -> None:
    server.client.post("/v1/models/m:predict", json=BODY)
    before = server.memory(most=True)
    for path, status, more in (
        ("/elsewhere", 404, ""),
        ("/v2/health/live", 405, ""),
        ("/v1/models/absent:predict", 404, ""),
        ("/v1/models/m:predict", 413, ""),
        ("/v1/models/m:predict", 413, "Content-Encoding: gzip\r\n"),
        ("/v1/models/m:predict", 415, "Content-Encoding: br\r\n"),
        ("/v1/models/m:predict", 415, "Content-Type: image/png\r\n"),
    ):
        size = 100_000 if status == 415 else 30_000_000
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        body = b"x" * size
        if chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
        with socket.create_connection(("127.0.0.1", server.http), timeout=30) as connection:
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}{length}\r\n\r\n".encode() + body
            )
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, content = answer.partition(b"\r\n\r\n")
        assert int(head.split()[1]) == status, head
        assert set(json.loads(content)) == {"error"}
    assert server.memory(most=True) - before < 15_000_000


def test_a_stalled_upload_is_answered_at_once_or_ends(sdk: str, install: Callable[..., Path]) -> None:
    """One that nobody needs has its answer before its body; others end with the deadline."""
    options = ("--access_log", "--log_format=json")
    with Server(install("sklearn", sdk), *options, DEADLINE_SECONDS="1") as server:
        for path, size, status in (
            ("/elsewhere", 1_000_000, b"404"),
            ("/v2/health/live", 1_000_000, b"405"),
            ("/v1/models/absent:predict", 1_000_000, b"404"),
            ("/v1/models/m:predict", 1_000_000, b"408"),
            ("/v1/models/m:predict", 100, b"408"),
        ):
            with socket.create_connection(("127.0.0.1", server.http), timeout=30) as connection:
                connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{{".encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))  # until the server closes
            head, _, content = answer.partition(b"\r\n\r\n")
            assert head.split()[1] == status
            assert b"connection: close" in head.lower()
            assert set(json.loads(content)) == {"error"}
        until(lambda: logged(server, "v1", 408))


def test_a_connection_without_a_request_ends(sdk: str, install: Callable[..., Path]) -> None:
    """Whether nothing comes, nothing more, or a little now and then."""
    options = ["--timeout-keep-alive=1"] if sdk == "kserve" else []
    with Server(install("sklearn", sdk), *options, program=IMPATIENT[sdk] + MAIN) as server:
        for sent, more in ((b"", b""), (HEAD, b""), (HEAD, b"x")):
            with socket.create_connection(("127.0.0.1", server.http), timeout=0.2) as connection:
                connection.sendall(sent)
                until(functools.partial(ended, connection, more))


def ended(connection: socket.socket, more: bytes) -> bool:
    """Whether the server has closed a connection; otherwise more is sent."""
    try:
        return not connection.recv(65536)
    except TimeoutError:
        connection.sendall(more)
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"GET /", b"x" * 65536), (HEAD, b"x" * 65536), (HEAD, b"\r\nX-Any: x" * 6000)],
    ids=["line", "value", "headers"],
)
def test_a_head_that_does_not_end_is_not_kept(server: Server, begin: bytes, piece: bytes) -> None:
    server.client.post("/v1/models/m:predict", json=BODY)
    before = server.memory(most=True)
    with socket.create_connection(("127.0.0.1", server.http), timeout=30) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(begin)
            for _ in range(1000):
                connection.sendall(piece)
        until(functools.partial(ended, connection, b""))
    assert server.memory(most=True) - before < 15_000_000
    assert server.client.post("/v1/models/m:predict", json=BODY).status_code == 200


def test_a_head_that_is_too_long_is_told_so(server: Server) -> None:
    answer = server.client.get("/v1/models/m", headers={"X-Any": "x" * 65536})
    assert (answer.status_code, answer.headers["connection"]) == (400, "close")
    assert "longer than 65536 bytes" in answer.json()["error"]


def grpc_infer(server: Server, first: float, timeout: float = 30) -> Any:
    tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4])
    tensor.contents.fp64_contents.extend([first, *ROW[1:]])
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        request = pb.ModelInferRequest(model_name="m", inputs=[tensor])
        return GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=timeout)


def ask(server: Server, way: str, first: float = 5.1, timeout: float = 30) -> httpx.Response:
    path, headers = WAYS[way]
    body = {"instances": [[first, *ROW[1:]]]}
    return httpx.post(server.address + path, json=body, headers=headers, timeout=timeout)


def logged(server: Server, way: str, status: object) -> bool:
    lines = [json.loads(line) for line in server.log.splitlines()]
    return any((line.get("protocol"), line.get("status")) == (way, status) for line in lines)


def test_who_left_is_not_waited_for_by_any_way(sdk: str, install: Callable[..., Path], tmp_path: Path) -> None:
    """Nor counted as waiting: one may wait here. Each is in the log."""
    asked = tmp_path / "asked"
    options = ("--access_log", "--log_format=json", "--max_waiting=1")
    with (
        Server(install("sklearn", sdk), *options, program=HELD, GATE=str(tmp_path)) as server,
        ThreadPoolExecutor(4) as pool,
    ):
        asked.unlink()
        predictions, explanation = pool.submit(ask, server, "v1", 99), pool.submit(ask, server, "explain", 99)
        until(lambda: asked.exists() and asked.read_text().split().count("99") == 2)
        for way in WAYS:
            with pytest.raises(httpx.ReadTimeout):
                ask(server, way, 1, timeout=0.5)
            until(functools.partial(logged, server, way, 499))
        if sdk == "kserve":
            with pytest.raises(grpc.RpcError):
                grpc_infer(server, 1, timeout=0.5)
            until(lambda: logged(server, "grpc", "CANCELLED"))
        (tmp_path / "open").touch()
        assert [item.result().status_code for item in (predictions, explanation)] == [200, 200]
        assert "1" not in asked.read_text().split()


def test_what_is_late_is_told_so_by_every_way(sdk: str, install: Callable[..., Path], tmp_path: Path) -> None:
    with Server(install("sklearn", sdk), program=HELD, GATE=str(tmp_path), DEADLINE_SECONDS="0.5") as server:
        for way in WAYS:
            answer = ask(server, way, 99)
            assert (answer.status_code, answer.headers["retry-after"]) == (504, "1")
            assert "--deadline_seconds" in answer.json()["error"]
        if sdk == "kserve":
            with pytest.raises(grpc.RpcError) as error:
                grpc_infer(server, 99)
            assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            assert "--deadline_seconds" in error.value.details()


def test_what_is_too_much_at_once_is_told_so_by_every_way(
    sdk: str, install: Callable[..., Path], tmp_path: Path
) -> None:
    with (
        Server(install("sklearn", sdk), "--max_requests=1", program=HELD, GATE=str(tmp_path)) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        (tmp_path / "asked").unlink()
        first = pool.submit(ask, server, "v1", 99)
        until((tmp_path / "asked").exists)
        for way in WAYS:
            answer = ask(server, way)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert server.client.get("/v2/health/live").status_code == 200
        if sdk == "kserve":
            with pytest.raises(grpc.RpcError) as error:
                grpc_infer(server, 5.1)
            assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        (tmp_path / "open").touch()
        assert first.result().status_code == 200
        assert ask(server, "v1").status_code == 200


@pytest.mark.parametrize("middleware", list(OWNERS))
def test_the_owners_middleware_sees_every_request_and_changes_no_answer(
    install: Callable[..., Path], middleware: str
) -> None:
    project = install("sklearn", "kserve")
    program = OWNERS[middleware] + MAIN
    with Server(project) as plain, Server(project, program=program, MAX_BUFFER_SIZE="1000") as owners:
        bodies = {"instances": [ROW] * 2}, {"instances": "x"}
        paths = (*(path for path, _ in WAYS.values()), "/invocations", "/v1/models/absent:predict", "/elsewhere")
        for path in paths:
            for body in bodies:
                answers = [
                    server.client.post(path, json=body, headers={"Origin": "https://elsewhere.example"})
                    for server in (plain, owners)
                ]
                assert answers[0].status_code == answers[1].status_code
                assert answers[0].content == answers[1].content
                assert "access-control-allow-origin" not in answers[0].headers
                assert answers[1].headers["access-control-allow-origin"] == "*"
        large = owners.client.post(paths[0], content=b" " * 100_000, headers={"Origin": "https://elsewhere.example"})
        assert (large.status_code, large.headers["access-control-allow-origin"]) == (413, "*")
        assert large.headers["connection"] == "close"


def large(way: str, rows: int) -> tuple[str, bytes]:
    """A body of as many rows of the sample, written as clients write them, and the path that it goes to."""
    row = ",".join(map(str, ROW))
    if way == "v1":
        return "/v1/models/m:predict", b'{"instances":[%b]}' % b",".join([f"[{row}]".encode()] * rows)
    head = b'{"inputs":[{"name":"x","datatype":"FP64","shape":[%d,%d],"data":[' % (rows, len(ROW))
    return "/v2/models/m/infer", head + b",".join([row.encode()] * rows) + b"]}]}"


@pytest.mark.parametrize("way", ["v1", "v2"])
def test_a_body_of_the_size_that_is_allowed_is_answered_and_others_meanwhile(
    sdk: str, install: Callable[..., Path], way: str
) -> None:
    """On one core, within the memory that the manifests allow. How late health was is printed, and not judged."""
    path, body = large(way, 5_700_000)
    with Server(install("sklearn", sdk), DEADLINE_SECONDS="0", STUCK_SECONDS="600") as server:
        os.sched_setaffinity(server.process.pid, {min(os.sched_getaffinity(0))})
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(httpx.post, server.address + path, content=body, timeout=600)
            late = []
            while not asked.done():
                since = time.monotonic()
                assert server.client.get("/v2/health/live").status_code == 200
                late.append(time.monotonic() - since)
                time.sleep(0.05)
        answer = asked.result()
        assert answer.status_code == 200, answer.text[:300]
        content = answer.json()
        predictions = content["predictions"] if way == "v1" else content["outputs"][0]["data"]
        assert predictions == [0] * 5_700_000
        memory = server.memory(most=True)
        assert memory < 2**31
        print(f"{sdk}, {way}: {len(body)} bytes, {memory} at most, health late by {max(late):.3f} s of {len(late)}")
