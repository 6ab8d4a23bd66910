"""The receiver: an ASGI application that takes events in, answers at once, and has them written by a thread.

Not here: what is in events (events.py, rows.py), and where lines go (files.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, List, NamedTuple, Optional, Tuple

from ..protocol.tensors import InvalidRequest
from . import rows
from .events import Event, NoEvent, read, sampled
from .files import Files
from .names import Columns
from .pairs import Pair, Pairs

logger = logging.getLogger(__name__)

Send = Callable[[Dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Dict[str, Any]]]


class Bounds(NamedTuple):
    """The share of requests that is written, the bytes of one body and of all that wait to be written, at most."""

    share: float
    largest: int
    most: int


class Refused(Exception):
    """An event that is not taken in: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Receiver:
    """Answers 200 once an event is taken in. The logger blocks its model's requests while a hundred events wait for
    their answers, so nothing is awaited here, and what is too much is refused: 503.
    """

    def __init__(self, files: Files, pairs: Pairs, columns: Columns, bounds: Bounds) -> None:
        self._files = files
        self._pairs = pairs
        self._columns = columns
        self._bounds = bounds
        self._held = 0
        self._thread = ThreadPoolExecutor(1)
        self._ticking: Optional[asyncio.Task[None]] = None

    async def __call__(self, scope: Dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, said = await self._answer(scope, receive)
            text = said.encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": text})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._ticking = asyncio.ensure_future(self._tick())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._ticking.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._do_what_is_due)

    async def _answer(self, scope: Dict[str, Any], receive: Receive) -> Tuple[int, str]:
        if scope["method"] == "GET" and scope["path"] == "/healthz":
            return 200, ""
        if scope["method"] != "POST":
            return 405, "expected POST, with an event of KServe's logger"
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = bytearray()
        try:
            await self._receive(body, receive)
            event = read(headers, bytes(body))
        except NoEvent as error:
            self._held -= len(body)
            return 400, str(error)
        except Refused as refused:
            self._held -= len(body)
            return refused.status, str(refused)
        if sampled(event.id, self._bounds.share):
            taken = asyncio.get_running_loop().run_in_executor(self._thread, self._take, event)
            taken.add_done_callback(lambda _: self._release(len(body)))
        else:
            self._release(len(body))
        return 200, ""

    async def _receive(self, body: bytearray, receive: Receive) -> None:
        """Add a body's parts as they arrive. Raises Refused."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the body did not arrive")
            part = message.get("body", b"")
            if len(body) + len(part) > self._bounds.largest:
                raise Refused(413, f"bodies of more than {self._bounds.largest} bytes are not written")
            if self._held + len(part) > self._bounds.most:
                raise Refused(503, "too many bytes wait to be written")
            self._held += len(part)
            body += part
            if not message.get("more_body", False):
                return

    def _release(self, size: int) -> None:
        self._held -= size

    # The rest is done by the one thread.

    def _take(self, event: Event) -> None:
        self._write(self._pairs.add(event, time.monotonic()))

    def _do_what_is_due(self) -> None:
        self._write(self._pairs.expired(time.monotonic()))
        try:
            self._files.tick()
        except OSError as error:
            logger.error("The file cannot be finished: %s", error)

    def _end(self) -> None:
        self._write(self._pairs.all())
        try:
            self._files.finish()
        except OSError as error:
            logger.error("The file cannot be finished: %s", error)

    def _write(self, pairs: List[Pair]) -> None:
        for pair in pairs:
            try:
                self._files.write(rows.lines(pair, self._columns.of(pair.request.version)))
            except InvalidRequest as error:
                logger.debug("A request is not written: %s", error)
            except OSError as error:
                logger.error("A request is lost, it cannot be written: %s", error)
            except Exception:  # whatever is in it, the others are written
                logger.exception("A request is lost, it cannot be read")
