"""Errors as JSON, on every route. KFServing puts them into the reason phrase of a page of HTML."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Sequence
from typing import Any

import tornado.web
from tornado.ioloop import IOLoop

from ..serving.access import EXPOSED, METHODS
from ..serving.failures import FAILED, late


class Refused(tornado.web.HTTPError):
    """A request that is answered with a status and a message, which may hold what a reason phrase may not."""

    def __init__(self, status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status)
        self.message = message
        self.headers = headers


@tornado.web.stream_request_body
class JsonErrors(tornado.web.RequestHandler):
    """Answers an error with {"error": message}, and HEAD as GET; keeps nothing of a body, and waits for it so long."""

    _timer: Any = None

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "application/json")  # KFServing's strings of JSON would be HTML
        self._share()

    def prepare(self) -> Any:
        """Refuse another method before the body comes; otherwise wait for the body."""
        if self.request.method not in (*self.methods, "OPTIONS"):
            raise tornado.web.HTTPError(405)
        seconds = self.settings["body_seconds"]
        if seconds:  # Tornado's own limit closes the connection without a word
            self._timer = IOLoop.current().call_later(seconds, self._look)

    @property
    def methods(self) -> list[str]:
        """The methods that there are on this path."""
        plain = tornado.web.RequestHandler
        found = [name for name in ("get", "post") if getattr(type(self), name) is not getattr(plain, name)]
        return [name.upper() for name in found] + ["HEAD"] * ("get" in found)

    def _look(self) -> None:
        connection: Any = self.request.connection
        if connection.give_up():
            self.stalled()

    def stalled(self) -> None:
        """Answer a request whose body has not arrived in time."""
        error = Refused(408, late(self.settings["body_seconds"]))
        self.send_error(error.status_code, exc_info=(Refused, error, None))

    def on_finish(self) -> None:
        if self._timer:
            IOLoop.current().remove_timeout(self._timer)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.on_finish()

    def _share(self) -> None:
        """Let the pages of --cors_origins read the answer."""
        allowed = self.settings["cors_origins"]
        origin = self.request.headers.get("Origin", "")
        if allowed and "*" not in allowed:
            self.set_header("Vary", "Origin")
        if origin and ("*" in allowed or origin in allowed):
            self.set_header("Access-Control-Allow-Origin", "*" if "*" in allowed else origin)
            self.set_header("Access-Control-Expose-Headers", ", ".join(EXPOSED))

    def options(self, *arguments: str) -> None:
        """Answer what a browser asks before it lets a page ask."""
        if "Access-Control-Allow-Origin" not in self._headers:
            raise tornado.web.HTTPError(405)
        self.set_header("Access-Control-Allow-Methods", ", ".join(METHODS))
        self.set_header(
            "Access-Control-Allow-Headers", self.request.headers.get("Access-Control-Request-Headers", "content-type")
        )
        self.set_status(204)
        self.clear_header("Content-Type")

    def data_received(self, chunk: bytes) -> None:
        """Let a client that is still sending end before it is answered."""

    def head(self, *arguments: str) -> Any:
        return self.get(*arguments)

    def finish(self, chunk: Any = None) -> asyncio.Future[None]:
        """Announce that the connection closes; Tornado does so only if that was decided before the request came."""
        connection: Any = self.request.connection
        if connection.ends:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1]
        if status_code == 500:
            message = FAILED
        else:
            message = getattr(error, "message", "") or error.reason or http.HTTPStatus(status_code).phrase
        for header in getattr(error, "headers", ()):
            self.set_header(*header)
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.methods))
        self.finish({"error": message})


class NotFound(JsonErrors):
    """Answers paths that have no route, whatever the method: Tornado refuses one that it does not know by itself."""

    def prepare(self) -> None:
        raise tornado.web.HTTPError(404)

    def send_error(self, status_code: int = 404, **options: Any) -> None:
        super().send_error(404, **options)
