"""KServe's server, with an orderly end. When it begins and how long it takes is in drain.py.

KServe's own would stop accepting at SIGTERM, and forget its models while gRPC requests are still being answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from types import SimpleNamespace
from typing import Any

import grpc
import kserve
import kserve.protocol.grpc.server
import uvicorn
from kserve.logging import logger
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ..serving.access import Access
from ..serving.calls import Desk
from ..serving.drain import LIMIT, Drain
from ..serving.standstill import watch_loop
from .access import GuardedServicer
from .direct import Direct
from .grpc_services import add_services
from .model import ServingDataPlane, ServingModel
from .repository import ServingModelRepository, ServingRepositoryExtension
from .service import GrpcPredictions
from .undecodable import RefuseUndecodable

_CLOSE = (b"connection", b"close")
#: A share of the drain, so that each gRPC channel has left by its end.
_AGE = 0.4
#: Seconds in which what a connection that has just been accepted asks is read: closed before, it would be reset.
_READ = 0.1


class Server(kserve.ModelServer):
    """Serves a repository over REST and gRPC, whose API for loading and unloading answers those who have `access`."""

    def __init__(
        self,
        repository: ServingModelRepository,
        desk: Desk[ServingModel],
        drain_seconds: float,
        access: Access,
    ) -> None:
        # The drain's limit is the one that counts.
        super().__init__(registered_models=repository, grace_period=2 * LIMIT)
        self._desk = desk
        self._access = access
        self._drain_seconds = drain_seconds
        self.direct = Direct(desk)
        self.drain = Drain(drain_seconds, self._ask_clients_to_leave, self._finish, logger)
        self.dataplane = ServingDataPlane(repository, self.drain, access.enabled)
        self.model_repository_extension = ServingRepositoryExtension(repository)

    def stop(self, sig: int) -> None:
        """KServe's handler of signals, which interrupts whatever runs: even uvicorn as it reads a request."""
        asyncio.get_running_loop().call_soon_threadsafe(self.drain.on_signal, sig)

    async def _serve(self) -> None:
        watch_loop()
        kserve.protocol.grpc.server.aio = SimpleNamespace(server=self._make_grpc_server)
        kserve.protocol.grpc.server.InferenceServicer = functools.partial(GuardedServicer, self._access)
        uvicorn_server: Any = self._uvicorn
        uvicorn_server.capture_signals = contextlib.nullcontext  # else it stops at once
        config = self._rest_server.config
        config.ws = "none"  # KServe has none, and uvicorn cannot end while a client is in the middle of a handshake
        if config.http == "auto" and AutoHTTPProtocol.__name__ == "HttpToolsProtocol":
            from .connection import Connections  # needs httptools

            config.http = Connections(self.direct)
        await super()._serve()

    def _make_grpc_server(self, *args: Any, options: list[Any], **settings: Any) -> grpc.aio.Server:
        """gRPC's, whose channels connect anew every few seconds, and so leave a server that drains.

        gRPC cancels what arrives while it stops, and has no other way to ask clients to leave before. KServe passes
        two options on and no others.
        """
        if self._drain_seconds:
            options = [*options, ("grpc.max_connection_age_ms", max(1, int(self._drain_seconds * _AGE * 1000)))]
        settings["interceptors"] = (GrpcPredictions(self._desk), RefuseUndecodable(), *settings.get("interceptors", ()))
        server = grpc.aio.server(*args, options=options, **settings)
        add_services(server, self.dataplane, self.drain)
        return server

    @property
    def _uvicorn(self) -> uvicorn.Server:
        server: uvicorn.Server = self._rest_server._server
        return server

    @property
    def _connections(self) -> list[Any]:
        """uvicorn's; all are HTTP's."""
        return list(self._uvicorn.server_state.connections)

    def _ask_clients_to_leave(self) -> None:
        """Close each REST connection with its next answer, so that its client connects elsewhere."""
        if not self._uvicorn.started:
            return
        self._uvicorn.config.encoded_headers.append(_CLOSE)  # for those that uvicorn makes anew each second
        self._uvicorn.server_state.default_headers = [*self._uvicorn.server_state.default_headers, _CLOSE]
        for connection in self._connections:
            if connection.cycle and not connection.cycle.response_complete:
                connection.cycle.keep_alive = False

    async def _finish(self) -> None:
        over_grpc = [self._grpc_server.stop()] if self._grpc_server else []
        await asyncio.gather(self._finish_rest(), *over_grpc)

    async def _finish_rest(self) -> None:
        """Accept no connection; close each when nothing is in flight on it. uvicorn would cut half a request off."""
        if self._uvicorn.started:
            for server in self._uvicorn.servers:
                server.close()
        await asyncio.sleep(_READ)
        while self._connections:
            for connection in filter(_idle, self._connections):
                connection.shutdown()
            await asyncio.sleep(0.02)
        self._uvicorn.should_exit = True


def _idle(connection: Any) -> bool:
    """Whether no request is in flight on one of uvicorn's connections, nor has begun to arrive."""
    request = connection.cycle  # the last whose headers are complete
    arriving = connection.scope is not (request and request.scope)
    return not arriving and (request is None or request.response_complete)
