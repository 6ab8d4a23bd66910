"""Predictions that their connection answers: a whole request, of a usual form, without ASGI's messages in between.

How it is answered is in serving/rest.py, as over ASGI, and answers are equal byte by byte. Which bytes belong to a
request is in connection.py. What is unusual, or does not come whole, goes uvicorn's way, to predictions.py.
"""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..serving.calls import Desk
from ..serving.prompt import Prompt
from ..serving.replies import Answer
from ..serving.routes import Route, find
from .predictions import LARGE_ANSWER

if TYPE_CHECKING:
    from .connection import Connection

#: Headers of requests that others answer: that come in parts, ask for something first, or come from a web page.
_UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"origin"))
#: Bytes of a body that is read here: it is counted once it is whole.
_MOST = 500_000
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Direct:
    """What the connections of a server have to know to answer predictions."""

    def __init__(self, desk: Desk[Any]) -> None:
        self.desk = desk
        #: Further paths of predictions, and what each of them asks.
        self.paths: Mapping[str, Route] = {}
        #: Whether requests need not pass the application: not before it is known that no middleware has to see them.
        self.open = False
        self._route = functools.lru_cache(maxsize=256)(self._find)
        self._defaults: list[tuple[bytes, bytes]] = []
        self._start = (b"", False)

    def recognise(self, connection: Connection) -> Request | None:
        """The request whose head a connection has read, if it is one that the connection can answer."""
        if not self.open or self.desk.trace or connection.parser.get_method() != b"POST":
            return None
        route = self._route(connection.url)
        if route is None:
            return None
        headers = dict(connection.headers)
        size = headers.get(b"content-length", b"")
        # Others count too large a body while it comes.
        if not size.isdigit() or len(size) > 9 or int(size) > min(_MOST, self.desk.gate.limits.body):
            return None
        return Request(route, headers) if _UNUSUAL.isdisjoint(headers) else None

    def _find(self, url: bytes) -> Route | None:
        import httptools  # whose connections ask; a server without it has others

        try:
            path = urllib.parse.unquote(httptools.parse_url(url).path.decode("ascii"))
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError, AttributeError):
            return None
        return find(path) or self.paths.get(path)

    def start(self, defaults: list[tuple[bytes, bytes]]) -> tuple[bytes, bool]:
        """The headers that each answer has, and whether they close the connection; uvicorn makes them each second."""
        if defaults is not self._defaults:
            lines = b"".join([b"%b: %b\r\n" % (name.lower(), value) for name, value in defaults])
            self._defaults, self._start = defaults, (lines, b"connection: close\r\n" in lines)
        return self._start


class Request:
    """A request that is recognised by its head, and what has come of its body."""

    __slots__ = ("body", "headers", "route")

    def __init__(self, route: Route, headers: dict[bytes, bytes]) -> None:
        self.route = route
        self.headers = headers
        self.body: bytes | bytearray = b""

    def add(self, chunk: bytes) -> None:
        """Some more of the body has come: one that comes in several parts grows in place."""
        if not self.body:
            self.body = chunk
            return
        if isinstance(self.body, bytes):
            self.body = bytearray(self.body)
        self.body += chunk


class Exchange:
    """A whole request, and its answer; uvicorn takes it for a cycle of its own, and runs it where it takes a task."""

    def __init__(self, connection: Connection, direct: Direct, request: Request) -> None:
        self._connection = connection
        self._direct = direct
        self._defaults = connection.server_state.default_headers
        self._work: Callable[[], Awaitable[Answer]] | None = None
        # What uvicorn looks at.
        self.scope = connection.scope
        self.keep_alive = connection.parser.get_http_version() != "1.0" and connection.parser.should_keep_alive()
        self.disconnected = self.response_complete = False
        self.message_event = self
        self._call: Prompt | None = Prompt(direct.desk, request.route, request.headers, "kserve")

    def set(self) -> None:
        """As that of an event, by which uvicorn says that the client has left."""
        if self._call and not self.response_complete:
            self._call.leave()

    def answer(self, body: bytes) -> None:
        """Answer the request, whose body is here."""
        assert self._call
        self._call.begin(body, self)

    def later(self, work: Callable[[], Awaitable[Answer]]) -> None:
        """Answer with what comes of `work`, which takes a task."""
        self._work = work
        self._connection.start(self)

    async def run_asgi(self, app: object) -> None:
        """Do that."""
        assert self._call and self._work
        size = 0
        try:
            answer = await self._call.answered(self._work)
            size = len(answer.body)
            await self._write(answer)
        except Exception:
            self._give_up()
        finally:
            self._end(size)

    def done(self, answer: Answer) -> None:
        """Answer with this, which is small."""
        try:
            if not self.disconnected:
                self._send(answer)
        except Exception:
            self._give_up()
        finally:
            self._end(len(answer.body))

    async def _write(self, answer: Answer) -> None:
        connection = self._connection
        if connection.flow.write_paused:
            await connection.flow.drain()
        if self.disconnected:
            return
        if len(answer.body) <= LARGE_ANSWER:
            self._send(answer)
            return
        connection.transport.write(b"".join(self._head(answer)))
        connection.transport.write(answer.body)
        if connection.flow.write_paused:
            await connection.flow.drain()
        if not self.disconnected:
            self._complete()

    def _send(self, answer: Answer) -> None:
        self._connection.transport.write(b"".join((*self._head(answer), answer.body)))
        self._complete()

    def _head(self, answer: Answer) -> list[bytes]:
        start, closes = self._direct.start(self._defaults)
        if closes:
            self.keep_alive = False
        head = [
            _STATUS_LINES[answer.status],
            start,
            b"content-type: %b\r\ncontent-length: %d\r\n" % (answer.content_type, len(answer.body)),
        ]
        for header in answer.headers:
            head.append(b"%b: %b\r\n" % header)
        head.append(b"\r\n" if self.keep_alive or closes else b"connection: close\r\n\r\n")
        return head

    def _complete(self) -> None:
        self.response_complete = True
        if not self.keep_alive:
            self._connection.transport.close()
        self._connection.on_response_complete()

    def _give_up(self) -> None:
        self._connection.logger.exception("A prediction was not answered")
        self._connection.transport.close()

    def _end(self, size: int) -> None:
        assert self._call
        self._call.end(size)
        self._call = self._work = None  # a connection that idles would keep its model, even one that was replaced
