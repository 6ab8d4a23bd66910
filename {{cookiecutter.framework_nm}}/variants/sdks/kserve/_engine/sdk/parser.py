"""Which bytes are a request's: httptools' parser, which goes on in HTTP/1.1 where a client offers an upgrade.

Java's HttpClient, Spring, Ktor and `curl --http2` send `Upgrade: h2c` with their first request. A server may ignore
that, and most do; httptools drops the request's body and takes it for another protocol
(https://github.com/Kludex/uvicorn/issues/2722). What becomes of a request is in connection.py.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from .connection import Connection


class Parser(httptools.HttpRequestParser):
    """httptools', which stops at an upgrade. Where that is ignored, another one takes over and reads the head again."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._connection = connection

    @property
    def ignores_upgrade(self) -> bool:
        """Whether the request at hand asks for another protocol, and goes on without it."""
        return self.should_upgrade() and self.get_method() != b"CONNECT"

    def feed_data(self, data: bytes | bytearray | memoryview | array[int]) -> None:
        parser, rest = self, data
        while True:
            try:
                httptools.HttpRequestParser.feed_data(parser, rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                if not parser.ignores_upgrade:
                    raise
                rest = memoryview(rest)[upgrade.args[0] :]
            head = parser._head_without_upgrade()
            self._connection.parser = parser = Parser(self._connection)
            httptools.HttpRequestParser.feed_data(parser, head)

    def _head_without_upgrade(self) -> bytes:
        """The head of the request at hand, as if the client had not asked for another protocol."""
        url, headers = self._connection.url, self._connection.headers
        line = b"%b %b HTTP/%b\r\n" % (self.get_method(), url, self.get_http_version().encode())
        return b"".join([line, *(b"%b: %b\r\n" % item for item in headers if item[0] != b"upgrade"), b"\r\n"])
