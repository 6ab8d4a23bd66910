"""Both ways of a prediction over REST give equal answers, byte by byte: that of its connection, and that over ASGI.

Servers are real ones, alike but for a middleware of the owner's that changes nothing, and has to see every request.
What is written to them is written to a socket, as bytes, because clients hide what they send.
"""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from facts import SDKS
from http_answers import receive
from running import Server, shell, until

pytestmark = pytest.mark.slow

#: A server whose model takes its time over rows that begin with 99, until there is a file "open", and fails over 97.
#: Its application sees each request where ASGI is set, by a middleware that the owner added.
PROGRAM = """
import os, pathlib, time
import numpy as np
from sklearnserver.trainer import preprocessor
gate = pathlib.Path(os.environ["GATE"])
prep_func = preprocessor.prep_func
def owners_code(X):
    if "SLOW" in os.environ:
        time.sleep(0.001)  # so that the thread makes its calls
    first = np.asarray(X)[0, 0]
    while first == 99 and not (gate / "open").exists():
        time.sleep(0.01)
    if first == 97:
        raise ValueError("the owner's")
    return prep_func(X)
preprocessor.prep_func = owners_code
from sklearnserver.inferencer.config import read_arguments
read_arguments()
if "ASGI" in os.environ:
    from kserve.model_server import app
    class Owners:
        def __init__(self, app):
            self.app = app
        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)
    app.add_middleware(Owners)
from sklearnserver.inferencer import __main__
from sklearnserver._engine.sdk import direct
answer = direct.Exchange.answer
def noted(*arguments):
    with (gate / "direct").open("a") as file:
        file.write("once\\n")
    answer(*arguments)
direct.Exchange.answer = noted
__main__.main()
"""
WAYS: dict[str, dict[str, str]] = {"direct": {}, "thread": {"SLOW": "1"}, "asgi": {"SLOW": "1", "ASGI": "1"}}
#: Those whose loop goes on while the model takes its time.
IN_THREAD = ["thread", "asgi"]
OPTIONS = {"MAX_BUFFER_SIZE": "300000", "DEADLINE_SECONDS": "1", "ACCESS_LOG": "true", "LOG_FORMAT": "json"}
ROW = [5.1, 3.5, 1.4, 0.2]
V1 = json.dumps({"instances": [ROW]}).encode()
TENSOR = {"name": "input-0", "datatype": "FP64", "shape": [1, 4]}
V2 = json.dumps({"id": "7", "inputs": [{**TENSOR, "data": ROW}]}).encode()
HEAD = json.dumps({"inputs": [{**TENSOR, "datatype": "FP32", "parameters": {"binary_data_size": 16}}]}).encode()
BINARY = HEAD + bytes(16)
MANY = json.dumps({"instances": [ROW] * 3000, "parameters": {"predict_proba": True}}).encode()
EVENT = ["ce-id: 1", "ce-source: test", "ce-type: test", "ce-specversion: 1.0"]
PREDICT, INFER = "/v1/models/m:predict", "/v2/models/m/infer"


def request(path: str, body: bytes = V1, *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
    """A request with a body, its length, and further headers."""
    length = [] if any("chunked" in header for header in headers) else [f"Content-Length: {len(body)}"]
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *length, *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


class Talk(NamedTuple):
    """What is written to a connection, with a pause after each part, the statuses of the answers, and whether the
    connection itself makes those of predictions.
    """

    parts: list[bytes]
    statuses: list[int]
    direct: int = 0
    pause: float = 0


GOOD = request(PREDICT)
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
TALKS = {
    "keep-alive": Talk([GOOD, GOOD], [200, 200], 2, 0.05),
    "V2": Talk([request(INFER, V2)], [200], 1),
    "V2, binary": Talk([request(INFER, BINARY, f"Inference-Header-Content-Length: {len(HEAD)}")], [200], 1),
    "explain": Talk([request("/v1/models/m:explain", b"{")], [400], 1),
    "an event": Talk([request(PREDICT, V1, *EVENT)], [200], 1),
    "a version": Talk([request("/v2/models/m/versions/1/infer", V2)], [200], 1),
    "no such version": Talk([request("/v2/models/m/versions/7/infer", V2)], [404], 1),
    "a platform's path": Talk([request("/invocations")], [200], 1),
    "pipelined": Talk([GOOD + request(INFER, V2) + LIVE + GOOD], [200, 200, 200, 200], 1),
    "pipelined in parts": Talk([GOOD + GOOD[:40], GOOD[40:] + LIVE], [200, 200, 200], 2, 0.05),
    "byte by byte": Talk([bytes([byte]) for byte in GOOD], [200], 1),
    "head, then body": Talk([GOOD[: -len(V1)], V1], [200], 1, 0.02),
    "head, and much later body": Talk([GOOD[: -len(V1)], V1[:9], V1[9:]], [200], 0, 0.3),
    "a body that does not come": Talk([GOOD[:-3]], [408]),
    "chunked": Talk([request(PREDICT, chunked(V1[:5], V1[5:]), "Transfer-Encoding: chunked")], [200]),
    "HTTP/1.0": Talk([request(PREDICT, version="1.0")], [200], 1),
    "HTTP/1.0, to be kept": Talk([request(PREDICT, V1, "Connection: keep-alive", version="1.0")], [200], 1),
    "to be closed": Talk([request(PREDICT, V1, "Connection: close")], [200], 1),
    "expects to be told": Talk([request(PREDICT, V1, "Expect: 100-continue")], [100, 200]),
    "offers HTTP/2": Talk([request(PREDICT, V1, "Connection: Upgrade", "Upgrade: h2c")], [200], 1),
    "from a page": Talk([request(PREDICT, V1, "Origin: http://a.example")], [200]),
    "a length in capitals": Talk([GOOD.replace(b"Content-Length", b"CONTENT-LENGTH")], [200], 1),
    "two lengths": Talk([request(PREDICT, V1, f"Content-Length: {len(V1)}")], [400]),
    "a length that is none": Talk([GOOD.replace(b"Content-Length: ", b"Content-Length: x")], [400]),
    "too long by its head": Talk([request(PREDICT, bytes(300_001))], [413]),
    "too long in the end": Talk([request(PREDICT, chunked(bytes(300_001)), "Transfer-Encoding: chunked")], [413]),
    "no HTTP": Talk([b"\x16\x03\x01 hello\r\n\r\n"], [400]),
    "an escaped path": Talk([request("/v1/models/m%3Apredict")], [200], 1),
    "an absolute path": Talk([request("http://x" + PREDICT)], [200], 1),
    "a query": Talk([request(PREDICT + "?a=b")], [200], 1),
    "ids": Talk([request(PREDICT, V1, "X-Request-Id: a-1", "Traceparent: 00-1-2-01")], [200], 1),
    "packed": Talk([request(PREDICT, gzip.compress(V1), "Content-Encoding: gzip")], [200], 1),
    "packed otherwise": Talk([request(PREDICT, V1, "Content-Encoding: br")], [415], 1),
    "an answer to be packed": Talk([request(PREDICT, MANY, "Accept-Encoding: gzip")], [200], 1),
    "many rows": Talk([request(PREDICT, MANY)], [200], 1),
    "no body": Talk([request(PREDICT, b"")], [400], 1),
    "no JSON": Talk([request(PREDICT, b"{")], [400], 1),
    "no such model": Talk([request("/v1/models/absent:predict")], [404], 1),
    "no such path": Talk([request("/v1/models/m/x:predict")], [404]),
    "by GET": Talk([request(PREDICT, method="GET")], [405]),
    "by PUT": Talk([request(PREDICT, method="PUT")], [405]),
    "the owner's error": Talk([request(PREDICT, V1.replace(b"5.1", b"97")), GOOD], [500, 200], 2, 0.05),
}
#: Who logs that the server starts.
STARTS = ("kserve", "uvicorn.error")
HELD = request(PREDICT, V1.replace(b"5.1", b"99"))


def plain(answer: bytes) -> bytes:
    """An answer without what differs from second to second, or from event to event."""
    return re.sub(rb"(?m)^(date|ce-id|ce-time): [^\r]+|\x1f\x8b.{8}", rb"\1", answer, flags=re.DOTALL | re.MULTILINE)


def hold(talk: Talk, connection: socket.socket) -> tuple[list[bytes], bool]:
    """The answers to what is written, and whether the connection can still be used."""
    connection.settimeout(30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for part in talk.parts:
        connection.sendall(part)
        time.sleep(talk.pause)
    found = [plain(answer) for answer in receive(connection, len(talk.statuses))]
    try:
        connection.sendall(LIVE)
        return found, bool(receive(connection, 1))
    except (BrokenPipeError, ConnectionResetError):
        return found, False


def statuses(found: list[bytes]) -> list[int]:
    return [int(answer[9:12]) for answer in found]


@pytest.fixture(scope="module")
def project(install: Callable[[str, str], Path]) -> Path:
    return install("sklearn", "kserve")


@pytest.fixture
def start(project: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server whose predictions go one of the ways."""
    with ExitStack() as stack:

        def start(way: str, **options: Any) -> Server:
            gate = tmp_path / way
            gate.mkdir()
            server = Server(project, program=PROGRAM, GATE=str(gate), **{**WAYS[way], **options})
            return stack.enter_context(server)

        yield start


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.http))


def told(server: Server) -> list[dict[str, Any]]:
    """What is logged and counted of requests, without times."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith('{"time"')]
    told = [{**line, "time": "", "ms": 0, "exception": ""} for line in lines if line["logger"] not in STARTS]
    metrics = server.client.get("/metrics").text
    counts = r"(inference_requests_total|inference_request_bytes|inference_response_bytes|in_flight|_seconds_count).*"
    return [*told, {"counts": sorted(found[0] for found in re.finditer(counts, metrics))}]


def hold_all(talk: Talk, servers: list[Server]) -> list[tuple[list[bytes], bool]]:
    """Hold a talk with several servers at once."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        connections = [stack.enter_context(closing(connect(server))) for server in servers]
        return [*pool.map(hold, [talk] * len(servers), connections)]


def test_answers_counts_and_log_are_equal_both_ways(start: Callable[..., Server], tmp_path: Path) -> None:
    servers = [start(way, **OPTIONS) for way in WAYS]
    noted = {way: tmp_path / way / "direct" for way in WAYS}
    answered = 0
    for name, talk in TALKS.items():
        direct, thread, asgi = hold_all(talk, servers)
        assert statuses(asgi[0]) == talk.statuses, name
        assert direct == asgi and thread == asgi, name
        answered += talk.direct
        for way in ("direct", "thread"):
            assert noted[way].exists() and len(noted[way].read_text().splitlines()) == answered, (name, way)
    assert not noted["asgi"].exists()
    assert told(servers[0]) == told(servers[2]) and told(servers[1]) == told(servers[2])


def test_what_takes_too_long_is_given_up_both_ways(start: Callable[..., Server], tmp_path: Path) -> None:
    servers = [start(way, **OPTIONS) for way in IN_THREAD]
    direct, asgi = hold_all(Talk([HELD], [504]), servers)
    assert statuses(asgi[0]) == [504]
    assert direct == asgi
    for way in IN_THREAD:
        (tmp_path / way / "open").touch()
    assert told(servers[0]) == told(servers[1])


@pytest.mark.parametrize("way", IN_THREAD)
def test_a_client_that_leaves_is_counted_as_one_and_gives_back_what_it_took(
    way: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    """While its body arrives, and while the model takes its time."""
    server = start(way)
    for left in (GOOD[:-3], HELD):
        with closing(connect(server)) as connection:
            connection.sendall(left)
            time.sleep(0.2)
        (tmp_path / way / "open").touch()
        with closing(connect(server)) as connection:
            assert statuses(hold(Talk([GOOD], [200]), connection)[0]) == [200]
    metrics = server.client.get("/metrics").text
    assert 'inference_requests_in_flight{model_name="m"} 0.0' in metrics
    assert 'status="499"} ' in metrics


ROWS = json.dumps({"instances": [[1, 2, 3, 4]] * 15_000, "parameters": {"predict_proba": True}}).encode()
#: What is answered with megabytes: a prediction, and a row of requests that are no predictions.
MEGABYTES = {"predictions": request(PREDICT, ROWS), "metrics": request("/metrics", b"", method="GET") * 500}


def does_not_read(server: Server, asked: bytes) -> None:
    """Ask for megabytes, and read none of them until the server has left."""
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.http))
        connection.settimeout(30)
        try:
            for _ in range(20):
                connection.sendall(asked)
                time.sleep(0.05)
            until(lambda: "--read_seconds" in server.log)
            while connection.recv(1 << 20):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert "--read_seconds" in server.log


@pytest.mark.parametrize("asked", MEGABYTES)
@pytest.mark.parametrize("way", WAYS)
def test_who_reads_an_answer_too_slowly_is_left(way: str, asked: str, start: Callable[..., Server]) -> None:
    """And takes nothing of the server's any more."""
    server = start(way, READ_SECONDS="1")
    does_not_read(server, MEGABYTES[asked])
    until(lambda: 'inference_requests_in_flight{model_name="m"} 0.0' in server.client.get("/metrics").text)


@pytest.mark.parametrize("asked", MEGABYTES)
def test_who_reads_too_slowly_is_left_by_kfserving_too(asked: str, install: Callable[[str, str], Path]) -> None:
    with Server(install("sklearn", "kfserving"), READ_SECONDS="1") as server:
        does_not_read(server, MEGABYTES[asked])
        assert server.client.post(PREDICT, content=V1).status_code == 200


@pytest.mark.parametrize("sdk", list(SDKS))
def test_clients_that_leave_while_they_read_leave_nothing_behind(sdk: str, install: Callable[[str, str], Path]) -> None:
    """Be it garbage that waits for a collection, which there is none of here: each would keep megabytes until then."""
    rows = json.dumps({"instances": [[1, 2, 3, 4]] * 60_000, "parameters": {"predict_proba": True}}).encode()
    program = "import gc\ngc.disable()\nfrom sklearnserver.inferencer.__main__ import main\nmain()\n"
    memory = []
    with Server(install("sklearn", sdk), program=program) as server:
        for _ in range(3):
            for _ in range(20):
                with closing(socket.socket()) as connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    connection.connect(("127.0.0.1", server.http))
                    connection.sendall(request(PREDICT, rows))
                    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            assert server.client.post(PREDICT, content=V1).status_code == 200
            memory.append(server.memory())
    assert memory[-1] < memory[0] + 30_000_000, memory


@pytest.mark.parametrize("way", IN_THREAD)
def test_a_connection_is_closed_with_the_answer_once_the_server_is_to_end(
    way: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    """An answer in flight, and one to a request that comes later, over a connection that is open."""
    server = start(way, DRAIN_SECONDS="2")
    with closing(connect(server)) as busy, closing(connect(server)) as idle:
        assert statuses(hold(Talk([GOOD], [200]), idle)[0]) == [200]
        busy.sendall(HELD)
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "No longer ready" in server.log)
        (tmp_path / way / "open").touch()
        idle.sendall(GOOD)
        for connection in [busy, idle]:
            (answer,) = receive(connection, 1)
            assert answer.startswith(b"HTTP/1.1 200") and b"connection: close\r\n" in answer
            assert connection.recv(1) == b""
    assert server.process.wait(30) == 0


def test_tls_is_answered_directly_too(project: Path, tmp_path: Path) -> None:
    subject = "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = f"-keyout {tmp_path}/key.pem -out {tmp_path}/certificate.pem"
    shell(tmp_path, f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 {subject} {files}")
    options = [f"--ssl_keyfile={tmp_path}/key.pem", f"--ssl_certfile={tmp_path}/certificate.pem"]
    gate = tmp_path / "gate"
    gate.mkdir()
    with ExitStack() as stack:
        server = Server(project, *options, program=PROGRAM, GATE=str(gate))
        stack.callback(server.__exit__)
        context = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
        while True:
            try:
                connection = context.wrap_socket(connect(server), server_hostname="localhost")
                break
            except OSError:
                assert server.process.poll() is None, server.log
                time.sleep(0.1)
        with closing(connection):
            assert statuses(hold(TALKS["many rows"], connection)[0]) == [200]
        assert (gate / "direct").exists()


def test_uvicorn_has_what_is_used_of_it_and_where_it_has_not_all_goes_over_asgi(project: Path) -> None:
    program = """
import asyncio, uvicorn
from unittest.mock import Mock
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from sklearnserver._engine.sdk import connection
loop = asyncio.new_event_loop()
def made():
    options = dict(config=uvicorn.Config(None), server_state=ServerState(), app_state={}, _loop=loop)
    return type(connection.Connections(Mock())(**options))
assert made() is connection.Connection, made()
connection.PRIVATE += ("gone",)
assert made() is HttpToolsProtocol
"""
    (project.parent / "members.py").write_text(program)
    assert "without gone" in shell(project, f".venv/bin/python {project.parent}/members.py 2>&1")
