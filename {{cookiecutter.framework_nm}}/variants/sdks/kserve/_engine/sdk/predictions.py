"""Predictions and explanations over REST: an ASGI application in front of another one.

How a request is answered is in serving/rest.py. Everything else that is asked goes on to `app`: health, metadata,
repository, metrics, docs, and the owner's own routes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..serving.calls import Desk
from ..serving.replies import Answer
from ..serving.rest import Prediction
from ..serving.routes import Route, find
from .bodies import Upload

#: Bytes of an answer that may still be on their way to the client when it is done with.
LARGE_ANSWER = 65_536


def asked(scope: Scope, paths: Mapping[str, Route]) -> Route | None:
    """What a request asks of a model, if it does."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    return find(scope["path"]) or paths.get(scope["path"])


class Predictions:
    """Answers the paths of predictions; `paths` are further ones, and what each of them asks."""

    def __init__(self, app: ASGIApp, desk: Desk[Any], paths: Mapping[str, Route]) -> None:
        self.app = app
        self.desk = desk
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = asked(scope, self.paths)
        if route is None:
            await self.app(scope, receive, send)
            return
        call = Prediction(self.desk, route, dict(scope["headers"]), "kserve")
        request = _Request(call, receive)
        if self.desk.trace:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
            call.trace = self.desk.trace(call.name, call.way, scope["path"], headers)
        size = 0
        try:
            answer = await call.answer(request.read)
            size = len(answer.body)
            if not call.complete:  # the client may be sending it still
                upload = Upload(scope, receive, send, self.desk.gate.limits.body, request.complete)
                receive, send = upload.receive, upload.send
            await _respond(send, answer)
        finally:
            request.close()
            call.end(size)


class _Request:
    """Reads the body of a request, and then listens for its client to leave, if the request takes long."""

    def __init__(self, call: Prediction, receive: Receive) -> None:
        self._call = call
        self._receive = receive
        self._listening: asyncio.Task[None] | None = None
        self.complete = False

    async def read(self) -> bytes:
        body: bytes | bytearray = b""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._call.left = True
                raise asyncio.CancelledError
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            if not self._call.arrived(len(chunk)):
                break
            if body:  # grows in place: to join a large one in the end would keep others waiting
                body = body if isinstance(body, bytearray) else bytearray(body)
                body += chunk
            else:
                body = chunk
        self.complete = not more
        if self._call.ticket:
            self._call.ticket.watch = self._listen
        return cast(bytes, body)  # who reads it does not mind

    def _listen(self) -> None:
        self._listening = asyncio.ensure_future(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._call.leave()

    def close(self) -> None:
        if self._listening:
            self._listening.cancel()


async def _respond(send: Send, answer: Answer) -> None:
    body = answer.body
    head = [(b"content-type", answer.content_type), (b"content-length", b"%d" % len(body)), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    last: Message = {"type": "http.response.body", "body": body}
    if len(body) > LARGE_ANSWER:  # the one after it waits until this one is on its way
        await send({**last, "more_body": True})
        last["body"] = b""
    await send(last)
