"""The end of a server: who still asks it after SIGTERM is answered, and it exits when everybody is.

`SHUTDOWNS=20` makes twenty of the first one.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import grpc
import httpx
import pytest
from clients import Clients
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server, until

pytestmark = pytest.mark.slow

SHUTDOWNS = int(os.environ.get("SHUTDOWNS", "1"))
#: A server whose model, once the folder GATE is there, answers nothing until a file is in it; LIMIT is drain.py's.
HELD = """
import os, pathlib, time
from {package}.trainer import preprocessor
gate = pathlib.Path(os.environ["GATE"])
prep_func = preprocessor.prep_func
def held(X):
    time.sleep(0.001)  # so that the thread makes its calls
    if gate.exists():
        (gate / "reached").touch()
        while not (gate / "open").exists():
            time.sleep(0.01)
    return prep_func(X)
preprocessor.prep_func = held
if "LIMIT" in os.environ:
    from {package}._engine.serving import drain
    drain.LIMIT = float(os.environ["LIMIT"])
from {package}.inferencer.__main__ import main
main()
"""


@pytest.fixture(scope="module", params=["kserve", "kfserving"])
def sdk(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def project(sdk: str, install: Callable[[str, str], Path]) -> Path:
    return install("sklearn", sdk)


@pytest.fixture(scope="module")
def row(project: Path) -> list[float]:
    """The sample's own example, whose label is 0."""
    sample = project / "sklearnserver" / "example_models" / "0001" / "input.json"
    (found,) = json.loads(sample.read_text())["instances"]
    return list(found)


@pytest.mark.parametrize("number", range(SHUTDOWNS))
def test_whoever_asks_for_three_seconds_after_sigterm_is_answered(
    sdk: str, project: Path, row: list[float], number: int
) -> None:
    """On new and on open connections, while readiness is false everywhere, and liveness true."""
    ready = {"kserve": ["/v2/health/ready", "/v2/models/m/ready", "/v1/models/m", "/ping", "/vertex"]}
    ready["kfserving"] = ["/v1/models/m", "/v2/models/m/status"]
    with Server(project, AIP_HEALTH_ROUTE="/vertex", DRAIN_SECONDS="5") as server:
        assert {path: server.client.get(path).status_code for path in ready[sdk]} == dict.fromkeys(ready[sdk], 200)
        clients = Clients(row, server.http, server.grpc if sdk == "kserve" else None)
        with clients.asking():
            server.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            answers = {path: httpx.get(server.address + path) for path in [*ready[sdk], "/v2/health/live"]}
            if sdk == "kserve":
                assert grpc_readiness(server) == (True, False, False)
            time.sleep(max(0, began + 3 - time.monotonic()))
        print(sdk, dict(clients.answered))
        assert clients.failures == []
        live = answers.pop("/v2/health/live")
        assert (live.status_code, live.headers["connection"]) == (200, "close")
        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(ready[sdk], 503)
        assert server.process.wait(30) == 0
        assert "Traceback" not in server.log


def test_a_server_that_still_loads_its_model_ends_at_once(project: Path, tmp_path: Path) -> None:
    """With a status that says why, also where it is the first process of a container: the system ends that one at no
    signal which it does not handle."""
    server = Server(project, program=HELD.format(package="sklearnserver"), GATE=str(tmp_path))
    try:
        until((tmp_path / "reached").exists, server.process, lambda: server.log)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 128 + signal.SIGTERM
        assert "Traceback" not in server.log
    finally:
        server.__exit__()


def grpc_readiness(server: Server) -> tuple[bool, bool, bool]:
    """Whether the server lives, is ready, and has its model ready, as gRPC says."""
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        return (
            stub.ServerLive(messages.ServerLiveRequest()).live,
            stub.ServerReady(messages.ServerReadyRequest()).ready,
            stub.ModelReady(messages.ModelReadyRequest(name="m")).ready,
        )


class Relay:
    """Passes connections on as a Service of Kubernetes does: those that it made stay; where new ones go can change."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._started: Future[int] = Future()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),))

    def __enter__(self) -> Relay:
        self._thread.start()
        self.port = self._started.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._connected, "127.0.0.1", backlog=512) as server:
            self._started.set_result(server.sockets[0].getsockname()[1])
            await self._over.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        finally:
            far_writer.close()
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


def test_a_rolling_update_loses_no_request(sdk: str, project: Path, row: list[float]) -> None:
    """To the server that ends, new connections come for a second still, and old ones are used until the end."""
    with ExitStack() as stack:
        servers = [Server(project, DRAIN_SECONDS="3") for _ in range(2)]
        old, new = [stack.enter_context(server) for server in servers]
        rest, over_grpc = stack.enter_context(Relay(old.http)), stack.enter_context(Relay(old.grpc))
        clients = Clients(row, rest.port, over_grpc.port if sdk == "kserve" else None)
        with clients.asking():
            old.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            rest.target, over_grpc.target = new.http, new.grpc
            assert old.process.wait(30) == 0
            clients.wait()
    assert clients.failures == []


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM] * 2], ids=["Ctrl-C", "SIGTERM twice"])
def test_ctrl_c_and_a_second_signal_skip_the_drain_and_nothing_in_flight(
    project: Path, row: list[float], tmp_path: Path, signals: list[signal.Signals]
) -> None:
    """Neither predictions nor requests that are still arriving; a connection that nobody uses holds nothing up."""
    program = HELD.format(package="sklearnserver")
    gate = tmp_path / "gate"
    body = json.dumps({"instances": [row]}).encode()
    head = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % len(body)
    with ExitStack() as stack:
        server = stack.enter_context(Server(project, program=program, GATE=str(gate), DRAIN_SECONDS="600"))
        pool = stack.enter_context(ThreadPoolExecutor())
        _unused, half_head, half_body = (
            stack.enter_context(socket.create_connection(("127.0.0.1", server.http))) for _ in range(3)
        )
        half_head.sendall(head[:20])
        half_body.sendall(head + body[:5])
        gate.mkdir()
        held = pool.submit(httpx.post, f"{server.address}/v1/models/m:predict", content=body, timeout=60)
        until((gate / "reached").exists)
        for number in signals:
            server.process.send_signal(number)
            time.sleep(0.2)
        wait_until_refused(server)
        half_head.sendall(head[20:] + body)
        half_body.sendall(body[5:])
        (gate / "open").touch()
        assert held.result().json() == {"predictions": [0]}
        for connection in (half_head, half_body):
            assert read(connection) == ("close", {"predictions": [0]})
        assert server.process.wait(30) == 0


def wait_until_refused(server: Server) -> None:
    deadline = time.monotonic() + 10
    with suppress(ConnectionRefusedError):
        while True:
            assert time.monotonic() < deadline, "the server goes on accepting connections"
            socket.create_connection(("127.0.0.1", server.http)).close()
            time.sleep(0.02)


def read(connection: socket.socket) -> tuple[str | None, object]:
    """What an answer says of its connection, and the answer."""
    connection.settimeout(30)
    with closing(http.client.HTTPResponse(connection)) as response:
        response.begin()
        return response.getheader("Connection"), json.loads(response.read())


def test_a_call_that_never_returns_does_not_keep_the_server_from_ending(
    project: Path, row: list[float], tmp_path: Path
) -> None:
    program = HELD.format(package="sklearnserver")
    gate = tmp_path / "gate"
    with Server(project, program=program, GATE=str(gate), LIMIT="1") as server, ThreadPoolExecutor() as pool:
        gate.mkdir()
        held = pool.submit(httpx.post, f"{server.address}/v1/models/m:predict", json={"instances": [row]}, timeout=60)
        until((gate / "reached").exists)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 1
        assert "in flight" in server.log.splitlines()[-1]
        assert isinstance(held.exception(), httpx.TransportError)


def test_a_connection_that_asks_for_another_protocol_keeps_no_server_from_ending(project: Path) -> None:
    """Whether it was answered, refused, or left open."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(project, DRAIN_SECONDS="0.5"))
        for line in (b"POST /v1/models/m:predict", b"GET /v1/models/m", b"GET /nowhere"):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.http)))
            upgrade = b"Host: m\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}"
            connection.sendall(line + b" HTTP/1.1\r\n" + upgrade)
        assert server.client.get("/v1/models/m").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
