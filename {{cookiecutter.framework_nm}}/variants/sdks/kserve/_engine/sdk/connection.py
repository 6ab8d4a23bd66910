"""One HTTP connection: uvicorn's, which answers predictions itself where it can, and ends where a client only waits.

Which predictions, and how, is in direct.py; all else goes uvicorn's own way, to KServe's application. Which
bytes are a request's is in parser.py. What a request means is not known here.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, cast

import httptools
import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..serving.gate import PATIENCE
from .direct import Direct, Exchange, Request
from .parser import Parser

#: What is used here, and in direct.py, of uvicorn's class, though it is none of what uvicorn documents.
PRIVATE = (
    *("app", "cycle", "flow", "headers", "logger", "loop", "on_body", "on_header", "on_headers_complete"),
    *("on_message_begin", "on_message_complete", "on_response_complete", "parser", "scope", "send_400_response"),
    *("server_state", "timeout_keep_alive", "timeout_keep_alive_handler", "timeout_keep_alive_task", "transport"),
    *("_start_asgi_task", "_unset_keepalive_if_required", "connections", "on_url", "pipeline"),
)
logger = logging.getLogger(__name__)

#: Bytes and seconds that the head of a request may take, and what follows a body in chunks. uvicorn limits neither.
LONGEST, SECONDS = 65_536, 60
_TOO_LONG = f"the head of the request is longer than {LONGEST} bytes"
#: Bytes of its answer that a client has to take within --read_seconds.
_TAKEN = 1_048_576


class Connections:
    """Makes the connections of a server; uvicorn's own where it has not what is used of it."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        self._missing: list[str] | None = None

    def __call__(self, **options: Any) -> HttpToolsProtocol:
        if self._missing is None:
            plain = HttpToolsProtocol(**options)
            self._missing = [name for name in PRIVATE if not hasattr(plain, name)]
            if self._missing:
                names = ", ".join(self._missing)
                logger.warning(
                    "Predictions take longer: uvicorn %s is not known here, without %s", uvicorn.__version__, names
                )
        return HttpToolsProtocol(**options) if self._missing else Connection(self._direct, **options)


class Connection(HttpToolsProtocol):
    """Ignores every upgrade, as KServe speaks HTTP/1.1 alone, without WebSockets; ends where no request comes."""

    parser: Parser

    def __init__(self, direct: Direct, **options: Any) -> None:
        super().__init__(**options)
        self.parser = Parser(self)
        self._direct = direct
        self._heard = self.loop.time()
        #: Whether what came last was, or ended, a head or some of a body; if not, how much has come of one, since when.
        self._understood = True
        self._head, self._since = 0, 0.0
        self._problem = ""
        #: The request that is being answered: not the last one, where several were sent in a row.
        self._answering: Any = None
        self.cycle: Any = None
        #: A request that is to be answered here once all of it has come, and what ends the wait for that.
        self._request: Request | None = None
        self._impatient: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_a_request(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        self._understood = False
        if not self._head:
            self._since = self._heard
        self._head += len(data)
        super().data_received(data)
        if self._understood:
            self._head = 0
        else:
            self._limit_head()
        if self._request and not self._impatient:
            self._impatient = self.loop.call_later(PATIENCE, self._leave_to_uvicorn)

    def _limit_head(self) -> None:
        """Refuse a head that is too long, or takes too long: httptools keeps it however long it gets."""
        if self.transport.is_closing():
            return
        if self._head > LONGEST:
            self.send_400_response(_TOO_LONG)
        elif self._heard - self._since > SECONDS:
            self.send_400_response(f"the head of the request did not arrive within {SECONDS} seconds")

    def _unset_keepalive_if_required(self) -> None:
        """uvicorn makes a timer anew after each answer, and ends it with the next request. Here is one for all."""

    def on_response_complete(self) -> None:
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._heard = self.loop.time()

    def _wait_for_a_request(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """End the connection where nothing more has come, be it before the first request, or in the middle of one."""
        seconds: float = self.timeout_keep_alive
        if self.cycle is None or self.cycle.response_complete:
            seconds += self._heard - self.loop.time()
        if seconds > 0:
            self._wait_for_a_request(seconds)
        else:
            super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        self.url, self.headers = b"", []
        self.scope: Any = {}  # uvicorn's is made where uvicorn needs it

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._understood = True
        if self._head > LONGEST and sum(len(name) + len(value) for name, value in self.headers) > LONGEST:
            self._problem = _TOO_LONG
            raise ValueError(_TOO_LONG)  # which ends the parser's work
        if self.parser.ignores_upgrade:
            return
        if (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused:
            self._request = self._direct.recognise(self)
        if self._request is None:
            self._check_coding()
            self._leave_to_uvicorn()

    def _check_coding(self) -> None:
        """Raise ValueError where a body is coded in another way than in chunks: httptools would leave it so."""
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            self._problem = "expected Transfer-Encoding: chunked, and no other one"
            raise ValueError(self._problem)

    def _leave_to_uvicorn(self) -> None:
        """Have uvicorn go on with the request at hand, as if its head had just come, and then its body."""
        request, self._request, self._impatient = self._request, None, None
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
        if request and request.body:
            super().on_body(bytes(request.body))

    def on_body(self, body: bytes) -> None:
        self._understood = True
        if self._request:
            self._request.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._understood = True
        if self.parser.ignores_upgrade:
            return
        request, self._request = self._request, None
        if request is None:
            super().on_message_complete()
            return
        if self._impatient:
            self._impatient.cancel()
            self._impatient = None
        exchange = self.cycle = self._answering = Exchange(self, self._direct, request)
        exchange.answer(cast(bytes, request.body))  # who reads it does not mind

    def start(self, exchange: Any) -> None:
        """Go on with a request in a task."""
        super()._start_asgi_task(exchange, self.app)

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no HTTP, in the form of all errors, with httptools' reason where that has one."""
        error = sys.exc_info()[1]
        says_why = error and not isinstance(error, httptools.HttpParserCallbackError)
        body = orjson.dumps({"error": self._problem or (f"{msg} {error}" if says_why else msg)})
        headers = (b"content-type: application/json", b"content-length: %d" % len(body), b"connection: close")
        self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *headers, b"", body]))
        self.transport.close()
        self._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._impatient:
            self._impatient.cancel()
            self._leave_to_uvicorn()  # which counts it as one whose client has left
        super().connection_lost(exc)
        self._give_up()
        for timer in (self.timeout_keep_alive_task, self._reading):
            if timer:
                timer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_the_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading:
            self._reading.cancel()

    def _wait_for_the_reader(self) -> None:
        """End the connection where the client reads its answer too slowly, or not at all."""
        seconds = self._direct.desk.gate.limits.reading
        if seconds:
            unread = self.transport.get_write_buffer_size()
            self._reading = self.loop.call_later(seconds, self._check_the_reader, unread)

    def _check_the_reader(self, unread: int) -> None:
        if unread - self.transport.get_write_buffer_size() >= _TAKEN:
            self._wait_for_the_reader()
            return
        self.logger.info("A client reads its answer too slowly: --read_seconds is over")
        self.transport.abort()

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
