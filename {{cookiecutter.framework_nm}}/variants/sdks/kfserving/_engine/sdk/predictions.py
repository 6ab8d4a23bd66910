"""Predictions and explanations over REST: Tornado's part of it.

How a request is answered is in serving/rest.py; which path leads here is in server.py.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from tornado.iostream import StreamClosedError

from ..serving.calls import Desk
from ..serving.rest import Prediction
from ..serving.routes import Route
from .errors import JsonErrors

#: Bytes of an answer that are written at once.
_PIECE = 1_048_576


class Predict(JsonErrors):
    """Answers predictions and explanations; `way` is that of its path. KFServing's own parses JSON before."""

    def initialize(self, desk: Desk[Any], way: str) -> None:
        self.desk = desk
        self.way = way
        self.answering = False
        self.call: Prediction | None = None

    async def prepare(self) -> None:
        super().prepare()
        self.body = bytearray()  # grows in place: to join a large one in the end would keep others waiting
        if self.request.method != "POST":
            return  # a browser asks whether it may
        headers = {name.lower().encode(): value.encode("latin-1") for name, value in self.request.headers.get_all()}
        self.call = Prediction(self.desk, Route(self.path_args[0], self.way), headers, "kfserving")
        if self.call.refused:
            await self._respond()  # which needs no body

    def data_received(self, chunk: bytes) -> None:
        if self.call is None or self.call.refused:
            return
        if self.call.arrived(len(chunk)):
            self.body += chunk
        else:
            self.body.clear()
            self._respond_early()

    async def post(self, name: str) -> None:
        await self._respond()

    def stalled(self) -> None:
        if self.call:
            self.call.stall()
            self._respond_early()
        else:
            super().stalled()

    def _respond_early(self) -> None:
        self.refusing = asyncio.ensure_future(self._respond())

    async def _respond(self) -> None:
        assert self.call
        self.answering = True
        answer = await self.call.answer(self._body)
        self.set_status(answer.status)
        self.set_header("Content-Type", answer.content_type)
        for header, value in answer.headers:
            self.set_header(header.decode(), value)
        try:
            await self._write(memoryview(answer.body))
            await self._taken(self.finish())
        except StreamClosedError:  # the client left, or was left
            pass
        finally:
            self.call.end(len(answer.body))

    async def _write(self, body: memoryview) -> None:
        """Write the body, a large one piece by piece: Tornado copies each."""
        if len(body) <= _PIECE:
            self.write(bytes(body))
            return
        self.set_header("Content-Length", len(body))
        for first in range(0, len(body), _PIECE):
            self.write(bytes(body[first : first + _PIECE]))
            await self._taken(self.flush())

    async def _taken(self, writing: asyncio.Future[None]) -> None:
        """Wait for the client to take what was written. Raises StreamClosedError where it has left: one of its own, as
        `writing` and its error would keep each other, and the answer, until there is a collection.
        """
        await asyncio.wait([writing])
        if writing.exception():
            raise StreamClosedError

    async def _body(self) -> bytes:
        return cast(bytes, self.body)  # who reads it does not mind

    def on_connection_close(self) -> None:
        """Drop a request that still waits for the model: its client has left."""
        super().on_connection_close()
        if self.call:
            self.call.leave()
            if not self.answering:
                self.call.end()
