"""One HTTP connection: uvicorn's, which goes on in HTTP/1.1 where a client offers an upgrade, such as to HTTP/2.

Java's HttpClient, Spring, Ktor and `curl --http2` send `Upgrade: h2c` with their first request. A server may ignore
that, and most do; uvicorn's parser, httptools, drops the request's body and takes it for another protocol
(https://github.com/Kludex/uvicorn/issues/2722). What a request means is not known here.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from typing import Any

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes and seconds that the head of a request may take, and what follows a body in chunks. uvicorn limits neither.
LONGEST, SECONDS = 65_536, 60


class Connection(HttpToolsProtocol):
    """Ignores every upgrade, as KServe speaks HTTP/1.1 alone, without WebSockets; ends where no request comes."""

    parser: Any  # a _Parser

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = _Parser(self)
        #: The request that is being answered: not the last one, where several were sent in a row.
        self._answering: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_a_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_a_request()  # only a part of its head is here

    def _wait_for_a_request(self) -> None:
        """End the connection, if nothing more comes: uvicorn does so from the second request on."""
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    @property
    def ignores_upgrade(self) -> bool:
        """Whether the request at hand asks for another protocol, and goes on without it."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def on_headers_complete(self) -> None:
        if not self.ignores_upgrade:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.ignores_upgrade:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no HTTP, in the form of all errors."""
        body = orjson.dumps({"error": self.parser.problem or msg})
        headers = (b"content-type: application/json", b"content-length: %d" % len(body), b"connection: close")
        self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *headers, b"", body]))
        self.transport.close()
        self._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._give_up()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _give_up(self) -> None:
        """Tell the request that is being answered that its client is gone. Of several that were sent in a row uvicorn
        tells the last alone, and answers the others into a closed connection, with a traceback for each.
        """
        cycle = self._answering
        if cycle and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def head_without_upgrade(self) -> bytes:
        """The head of the request at hand, as if the client had not asked for another protocol."""
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"".join([line, *(b"%b: %b\r\n" % item for item in self.headers if item[0] != b"upgrade"), b"\r\n"])


class _Heard:
    """Passes on what a parser tells a connection, and notes whether a head, some of a body or all of it was read."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.on_message_begin, self.on_url = connection.on_message_begin, connection.on_url
        self.on_header = connection.on_header
        self.anything = False

    def on_headers_complete(self) -> None:
        self.anything = True
        self.connection.on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.anything = True
        self.connection.on_body(body)

    def on_message_complete(self) -> None:
        self.anything = True
        self.connection.on_message_complete()


class _Parser(httptools.HttpRequestParser):
    """httptools', which stops at an upgrade. Where that is ignored, another one takes over and reads the head again.

    httptools keeps a head however long it gets. Here it has limits, and `problem` says which one it has passed.
    """

    def __init__(self, connection: Connection) -> None:
        self._heard = _Heard(connection)
        super().__init__(self._heard)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.connection = connection
        self.problem = ""
        self._size, self._since = 0, 0.0

    def feed_data(self, data: bytes | bytearray | memoryview | array[int]) -> None:
        self._heard.anything = False
        self._feed(memoryview(data))
        if self._heard.anything:
            self._size = 0
            return
        now = time.monotonic()
        if not self._size:
            self._since = now
        self._size += len(data)
        if self._size > LONGEST:
            self.problem = f"the head of the request is longer than {LONGEST} bytes"
        elif now - self._since > SECONDS:
            self.problem = f"the head of the request did not arrive within {SECONDS} seconds"
        if self.problem:
            raise httptools.HttpParserError(self.problem)

    def _feed(self, rest: memoryview) -> None:
        parser = self
        while True:
            try:
                httptools.HttpRequestParser.feed_data(parser, rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                if not self.connection.ignores_upgrade:
                    raise
                rest = rest[upgrade.args[0] :]
            head = self.connection.head_without_upgrade()
            self.connection.parser = parser = _Parser(self.connection)
            httptools.HttpRequestParser.feed_data(parser, head)
