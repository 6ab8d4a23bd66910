"""KFServing's server, with this package's handlers on its routes and an orderly end."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import kfserving
import tornado.httputil
import tornado.ioloop
import tornado.web

from .handlers import Explain, Health, Live, Load, NotFound, Predict, Unload
from .model_repository import ServingModelRepository

_NAME = "([a-zA-Z0-9_-]+)"


class Server(kfserving.KFServer):
    """Serves a repository over REST; `log` says whether to log a line per prediction."""

    def __init__(self, repository: ServingModelRepository, http_port: int, max_body: int, log: bool) -> None:
        # KFServing gives its limit to Tornado's read buffer as well, which one read can fill if it is small.
        buffer = max(max_body, 1_048_576)
        super().__init__(http_port=http_port, max_buffer_size=buffer, workers=1, registered_models=repository)
        self.max_body = max_body
        self.log = log
        self.busy: set[Predict] = set()

    def create_application(self) -> tornado.web.Application:
        """KFServing's application, in which the list of models stays as it is."""
        application = super().create_application()
        models: dict[str, Any] = {"models": self.registered_models}
        predict = {**models, "busy": self.busy, "max_body": self.max_body}
        explain = {**predict, "kind": "explain"}
        application.add_handlers(
            ".*",
            [
                (f"/v1/models/{_NAME}:predict", Predict, {**predict, "kind": "v1"}),
                (f"/v2/models/{_NAME}/infer", Predict, {**predict, "kind": "v2"}),
                (f"/v1/models/{_NAME}:explain", Explain, explain),
                (f"/v2/models/{_NAME}/explain", Explain, explain),
                ("/", Live, models),
                ("/v2/health/live", Live, models),
                (f"/v1/models/{_NAME}", Health, models),
                (f"/v2/models/{_NAME}/status", Health, models),
                (f"/v2/repository/models/{_NAME}/load", Load, models),
                (f"/v2/repository/models/{_NAME}/unload", Unload, models),
            ],
        )
        _understand_expectations(application)
        application.settings.update(
            default_handler_class=NotFound, default_handler_args={"status_code": 404}, log_function=self._log
        )
        return application

    def start(self, models: list[kfserving.KFModel]) -> None:
        """Serve until SIGTERM or Ctrl-C, which let requests in flight finish."""
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: asyncio.ensure_future(self._drain()))
        super().start(models)

    async def _drain(self) -> None:
        self._http_server.stop()  # no new connections
        self._http_server.conn_params.no_keep_alive = True  # and one more request at most on those that there are
        while self.busy:
            await asyncio.sleep(0.05)
        tornado.ioloop.IOLoop.current().stop()

    def _log(self, handler: tornado.web.RequestHandler) -> None:
        """Log no request unless asked to: a line each costs more than a light model does."""
        if self.log and isinstance(handler, Predict):
            handler.log()


def _understand_expectations(application: tornado.web.Application) -> None:
    """Let a client go on that asks with `Expect: 100-Continue`, as Java does: Tornado knows small letters alone."""
    find_handler = application.find_handler

    def find(request: tornado.httputil.HTTPServerRequest, **arguments: Any) -> Any:
        if "Expect" in request.headers:
            request.headers["Expect"] = request.headers["Expect"].lower()
        return find_handler(request, **arguments)

    application.find_handler = find
