"""KFServing's server, with this package's handlers on its routes and an orderly end.

When the end begins and how long it takes is in drain.py.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import kfserving
import tornado.ioloop
import tornado.web
from tornado.httpserver import HTTPServer

from ..serving.access import Access
from ..serving.calls import Desk
from ..serving.drain import Drain
from ..serving.standstill import watch_loop
from .administration import Health, Live, Load, Models, SwitchedOff, Unload
from .connection import Listener
from .errors import NotFound
from .metrics import Metrics
from .model import ServingModel
from .predictions import Predict
from .repository import ServingModelRepository

_NAME = "([a-zA-Z0-9_-]+)"


class Server(kfserving.KFServer):
    """Serves a repository over REST, whose API for loading and unloading answers those who have `access`."""

    def __init__(
        self,
        repository: ServingModelRepository,
        desk: Desk[ServingModel],
        http_port: int,
        drain_seconds: float,
        access: Access,
        cors_origins: tuple[str, ...],
    ) -> None:
        # KFServing gives its limit to Tornado's read buffer as well, which one read can fill if it is small.
        buffer = max(desk.gate.limits.body, 1_048_576)
        super().__init__(http_port=http_port, max_buffer_size=buffer, workers=1, registered_models=repository)
        self.desk = desk
        self.drain = Drain(drain_seconds, self._ask_clients_to_leave, self._finish, logging.getLogger(__name__))
        self.access = access
        self.cors_origins = cors_origins

    def create_application(self) -> tornado.web.Application:
        """KFServing's application, with handlers of ours on all of its routes."""
        application = super().create_application()
        models: dict[str, Any] = {"models": self.registered_models}
        health = {**models, "drain": self.drain}
        repository = {**models, "access": self.access}
        application.add_handlers(
            ".*",
            [
                (f"/v1/models/{_NAME}:predict", Predict, {"desk": self.desk, "way": "v1"}),
                (f"/v2/models/{_NAME}/infer", Predict, {"desk": self.desk, "way": "v2"}),
                (f"/v1/models/{_NAME}:explain", Predict, {"desk": self.desk, "way": "explain"}),
                (f"/v2/models/{_NAME}/explain", Predict, {"desk": self.desk, "way": "explain"}),
                ("/", Live, models),
                ("/v2/health/live", Live, models),
                ("/metrics", Metrics, models),
                ("/v[12]/models", Models, models),
                (f"/v1/models/{_NAME}", Health, health),
                (f"/v2/models/{_NAME}/status", Health, health),
                (f"/v2/repository/models/{_NAME}/load", Load, repository),
                (f"/v2/repository/models/{_NAME}/unload", Unload, repository),
                *([] if self.access.enabled else [("/v2/repository/.*", SwitchedOff, repository)]),
            ],
        )
        # serving/calls.py logs requests, where that is asked for.
        application.settings.update(
            default_handler_class=NotFound,
            log_function=lambda handler: None,
            cors_origins=self.cors_origins,
            body_seconds=self.desk.gate.limits.deadline or None,
        )
        return application

    def start(self, models: list[kfserving.KFModel]) -> None:
        """Serve until SIGTERM or Ctrl-C, which let requests in flight finish."""
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.drain.on_signal, number)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda number, _: loop.call_soon_threadsafe(self.drain.on_signal, number))
        # KFServing makes a plain one, which is to be this.
        HTTPServer.configure(Listener, read_seconds=self.desk.gate.limits.reading)
        loop.call_soon(watch_loop)
        super().start(models)

    def _ask_clients_to_leave(self) -> None:
        """Close each connection with its next answer, so that its client connects elsewhere."""
        self._http_server.conn_params.no_keep_alive = True

    async def _finish(self) -> None:
        """Accept no connection, and end when nothing is in flight on those that there are."""
        self._http_server.stop()
        while not all(connection.idle for connection in self._http_server._connections):
            await asyncio.sleep(0.02)
        tornado.ioloop.IOLoop.current().stop()
