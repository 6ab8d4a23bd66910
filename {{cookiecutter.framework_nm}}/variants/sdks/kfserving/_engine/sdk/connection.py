"""One HTTP connection: Tornado's, which says here why it refuses what is no HTTP, lets early answers be read, and ends
where a client does not read them.

A request whose end two servers may see at different places is refused, and its connection closed: a proxy in front of
this server may have seen another one. What a head says is read in parser.py; what a request means is not known here.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from typing import Any, Optional

import orjson
from tornado import gen
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection, _ExceptionLoggingContext, _QuietException
from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPMessageDelegate, RequestStartLine
from tornado.iostream import StreamClosedError

from .parser import parse

logger = logging.getLogger(__name__)

#: Bytes that the head of a request, or what follows a body in chunks, may have; and the line before each chunk.
LONGEST, _LONGEST_LINE = 65_536, 4_096
#: Seconds that a connection may be open without the head of a request.
IDLE = 60
#: Bytes of a body that are sooner read than a connection is made anew.
_SMALL = 65_536
#: Seconds that a client has to send the rest of what nobody reads, so that it gets to read its answer.
_LINGER = 5
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Listener(HTTPServer):
    """Tornado's server, whose connections are these. They end where a client takes longer than `read_seconds` over what
    is written at once; 0 sets no limit."""

    def initialize(self, *arguments: Any, read_seconds: float, **options: Any) -> None:
        super().initialize(*arguments, **options)
        self.read_seconds = read_seconds

    def handle_stream(self, stream: Any, address: Any) -> None:
        context = _HTTPRequestContext(stream, address, self.protocol, self.trusted_downstream)
        connection = Connection(stream, self.conn_params, context)
        connection.read_seconds = self.read_seconds
        self._connections.add(connection)
        connection.start_serving(self)


class Connection(HTTP1ServerConnection):
    """Reads one request after the other."""

    read_seconds: float
    _exchange: Optional[Exchange] = None

    @property
    def idle(self) -> bool:
        """Whether it waits for a request of which nothing has arrived."""
        return self._exchange is not None and self._exchange.waits and not self.stream._read_buffer_size

    async def _server_request_loop(self, delegate: Any) -> None:
        try:
            more = True
            while more:
                exchange = self._exchange = Exchange(self.stream, False, self.params, self.context)
                exchange.read_seconds = self.read_seconds
                more = await exchange.read_response(delegate.start_request(self, exchange))
                await asyncio.sleep(0)
        except (StreamClosedError, _QuietException):  # the client left, or Tornado has logged what went wrong
            pass
        finally:
            self.stream.close()
            if self.stream.error:  # whose traceback holds the stream, and the answer that was being written
                self.stream.error.__traceback__ = None
            delegate.on_close(self)


class Exchange(HTTP1Connection):
    """A request and its answer, which may come before all of the request's body is here."""

    read_seconds: float
    #: Whether the head of the request has not come.
    waits = True
    _small = _ends = False
    _timer: Any = None

    @property
    def ends(self) -> bool:
        """Whether the connection ends with an answer that is given now."""
        early = not self._read_finished and not self._small
        return early or self._disconnect_on_finish or self.params.no_keep_alive

    async def _read_message(self, delegate: HTTPMessageDelegate) -> bool:
        """Read the request, and wait for its answer. Whether there may be another request."""
        try:
            return await self._exchange(delegate, *parse(await self._read_head()))
        except HTTPInputError as error:
            await self._refuse(str(error))
        except asyncio.TimeoutError:
            pass
        return False

    async def _read_head(self) -> bytes:
        reading = self._read_until(rb"\r?\n\r?\n", LONGEST, "the head of the request")
        head = await gen.with_timeout(
            self.stream.io_loop.time() + IDLE, reading, quiet_exceptions=(StreamClosedError, HTTPInputError)
        )
        self.waits = False
        return head

    async def _read_until(self, end: bytes, most: int, what: str) -> bytes:
        """What comes until `end`. Raises HTTPInputError where that is too long; Tornado would close the connection."""
        size = b"%d}" % most
        found = await self.stream.read_until_regex(rb"(?s)\A(?:.{0," + size + b"?" + end + rb"|.{" + size + b")")
        if len(found) >= most:
            raise HTTPInputError(f"{what} is longer than {most} bytes")
        return found

    async def _exchange(self, delegate: HTTPMessageDelegate, start: RequestStartLine, headers: HTTPHeaders) -> bool:
        self._request_start_line, self._request_headers = start, headers
        leaves = re.search(r"\bclose\b", headers.get("Connection", ""), re.IGNORECASE)
        self._disconnect_on_finish = bool(leaves) or not self._can_keep_alive(start, headers)
        expects = headers.get("Expect", "").lower() == "100-continue"  # Java writes it with capitals
        in_chunks = "Transfer-Encoding" in headers
        self._small = not expects and not in_chunks and int(headers.get("Content-Length", 0)) <= _SMALL
        unfinished = True
        try:
            with _ExceptionLoggingContext(logger):
                ready = delegate.headers_received(start, headers)
                if ready is not None:
                    await ready
            if expects and not self._write_finished:
                self.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await self._read_whole_body(headers, delegate)
            if not self._write_finished:
                unfinished = False
                with _ExceptionLoggingContext(logger):
                    delegate.finish()
            if not self._finish_future.done() and not self.stream.closed():
                self.stream.set_close_callback(self._on_connection_close)
                await self._finish_future
        finally:
            if unfinished:
                with _ExceptionLoggingContext(logger):
                    delegate.on_connection_close()
            self._clear_callbacks()
        return True

    async def _read_whole_body(self, headers: HTTPHeaders, delegate: HTTPMessageDelegate) -> None:
        if "Transfer-Encoding" in headers:
            await self._read_chunked_body(delegate)
        else:
            await self._read_fixed_body(int(headers.get("Content-Length", 0)), delegate)
        self._read_finished = True
        if self._timer:
            self.stream.io_loop.remove_timeout(self._timer)
            if self._ends:
                self.close()

    async def _read_chunked_body(self, delegate: HTTPMessageDelegate) -> None:
        """Read a body in chunks. What stands beside a chunk's size, or follows the last chunk, means nothing here."""
        while True:
            line = _CHUNK.fullmatch(await self._read_until(rb"\r\n", _LONGEST_LINE, "the line before a chunk"))
            if not line:
                raise HTTPInputError("a chunk of the body does not begin with its size")
            size = int(line[1], 16)
            if not size:
                break
            await self._read_fixed_body(size, delegate)
            if await self.stream.read_bytes(2) != b"\r\n":
                raise HTTPInputError("a chunk of the body does not end where its size says")
        await self._read_until(rb"(?<![^\n])\r\n", LONGEST, "what follows the body")

    def give_up(self) -> bool:
        """Wait no more for what is missing of the body; whether anything is."""
        self._small = False
        return not self._read_finished

    def write_headers(self, *arguments: Any) -> Any:
        return self._taken(super().write_headers(*arguments))

    def write(self, chunk: bytes) -> Any:
        return self._taken(super().write(chunk))

    def _taken(self, written: Any) -> Any:
        """What is done once the client has taken what was written, or has left, with StreamClosedError as its error;
        Tornado's own may then stay undone. Ends the connection of a client that reads too slowly.
        """
        if written.done():
            return written
        if self.read_seconds:
            timer = self.stream.io_loop.call_later(self.read_seconds, self._leave)
            self._pending_write.add_done_callback(lambda _: self.stream.io_loop.remove_timeout(timer))
        return self._pending_write

    def _leave(self) -> None:
        logger.info("A client reads its answer too slowly: --read_seconds is over")
        self.stream.close()

    def finish(self) -> None:
        self._ends = self.ends
        super().finish()

    def _finish_request(self, future: Any) -> None:
        """The answer is written: close the connection, or go on with it, once all of the request's body is here."""
        self._disconnect_on_finish = self._ends
        early = not self._read_finished
        if early:
            self._timer = self.stream.io_loop.call_later(_LINGER, self.close)
        if early and self._ends:
            self._say_end()
        else:
            super()._finish_request(future)

    async def _refuse(self, problem: str) -> None:
        """Refuse what is no HTTP, in the form of all errors, and read on for a while."""
        logger.info("Refused what is no request: %s", problem)
        self.stream.io_loop.call_later(_LINGER, self.close)
        if self._response_start_line is None:
            body = orjson.dumps({"error": problem})
            head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
            await self.stream.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        self._say_end()
        while True:  # until the stream ends, which raises
            await self.stream.read_bytes(_SMALL, partial=True)

    def _say_end(self) -> None:
        if not self.stream.closed():
            self.stream.socket.shutdown(socket.SHUT_WR)
