"""Errors as JSON, on every route. KFServing puts them into the reason phrase of a page of HTML."""

from __future__ import annotations

import asyncio
import http
from typing import Any

import tornado.web

from ..serving.model import FAILED


class Refused(tornado.web.HTTPError):
    """A request that is answered with a status and a message, which may hold what a reason phrase may not."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status)
        self.message = message


class JsonErrors(tornado.web.RequestHandler):
    """Answers an error with {"error": message}."""

    def finish(self, chunk: Any = None) -> asyncio.Future[None]:
        """Announce that the connection closes; Tornado does so only if that was decided before the request came."""
        connection: Any = self.request.connection
        if connection.params.no_keep_alive:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1]
        if status_code == 500:
            message = FAILED
        else:
            message = getattr(error, "message", "") or error.reason or http.HTTPStatus(status_code).phrase
        self.finish({"error": message})


class NotFound(JsonErrors, tornado.web.ErrorHandler):
    """Answers paths that have no route."""
