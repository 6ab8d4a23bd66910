"""Bodies that nobody reads, or that are too large: the answer comes first, and reaches a client that is still sending.

An ASGI application in front of KServe's. What predictions may hold is counted in serving/gate.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..serving.failures import late

#: Bytes of a body that are sooner read than a connection is made anew.
_SMALL = 65_536
#: Seconds that a client has to send the rest of what nobody reads, so that it gets to read its answer.
_LINGER = 5


class Bodies:
    """Lets `app` read no more than `limit` bytes of a body, for `seconds` (0 for any), and answers HEAD as GET.

    Where `reads` is true of a request, `app` sees to its body by itself.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float, reads: Callable[[Scope], object]) -> None:
        self.app = app
        self.limit = limit
        self.seconds = seconds
        self.reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.reads(scope):
            if scope["method"] == "HEAD":  # uvicorn leaves the body out
                scope = {**scope, "method": "GET"}
            upload = Upload(scope, receive, send, self.limit, seconds=self.seconds)
            receive, send = upload.receive, upload.send
        await self.app(scope, receive, send)


class Upload:
    """A request's body on its way in, and its answer, which is sent whether all of the body has been read or not."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        limit: int,
        complete: bool = False,
        seconds: float = 0,
    ) -> None:
        self._seconds = seconds
        self._since = time.monotonic()
        headers = dict(scope["headers"])
        self._size = int(headers.get(b"content-length", 0))
        self._receive = receive
        self._send = send
        self._limit = limit
        self._read = 0
        self._complete = complete or (not self._size and b"transfer-encoding" not in headers)
        #: Whether the rest comes at once, and without being asked for.
        self._small = 0 < self._size <= _SMALL and b"expect" not in headers
        self._closing = False

    async def receive(self) -> Message:
        """ASGI's. Raises HTTPException where the body is too large, or does not arrive."""
        if self._size > self._limit:
            raise self._too_large()
        message = await self._next()
        self._note(message)
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            raise self._too_large()
        return message

    async def _next(self) -> Message:
        if self._complete or not self._seconds:  # what is waited for then is that the client leaves
            return await self._receive()
        try:
            return await asyncio.wait_for(self._receive(), self._since + self._seconds - time.monotonic())
        except asyncio.TimeoutError:
            raise HTTPException(408, late(self._seconds)) from None

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"the body is larger than {self._limit} bytes, the limit that --max_buffer_size sets")

    def _note(self, message: Message) -> None:
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._complete = True

    async def send(self, message: Message) -> None:
        """ASGI's."""
        if message["type"] == "http.response.start" and not self._complete:
            if self._small and message["status"] != 408:  # that one has been waited for
                await self._discard()
            if not self._complete:
                self._closing = True
                headers = [item for item in message.get("headers", ()) if item[0].lower() != b"connection"]
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
        elif message["type"] == "http.response.body" and self._closing and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _discard(self) -> None:
        """Read what is left of the body, and forget it."""

        async def rest() -> None:
            while not self._complete:
                self._note(await self._receive())

        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(rest(), _LINGER)
