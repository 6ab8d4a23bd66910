"""The gate that all requests pass, whatever way they come: how many, how many bytes and rows, and for how long.

What is counted here is the whole server's; how many requests wait for one model is in batching.py. Not here: any
protocol, and what a request is answered with.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import time
from typing import Callable, Dict, NamedTuple, Optional

from .failures import Busy, TooLarge

#: Seconds after which a request takes long: from then on it is worth listening for its client.
PATIENCE = 0.1


class Limits(NamedTuple):
    """Of one body in bytes, of all requests in flight, of one request's seconds (0 for none), of one body in bytes
    that is not of plain numbers, and of the seconds in which a client reads a megabyte of its answer (0 for none).
    """

    body: int
    requests: int
    bytes: int
    rows: int
    deadline: float
    text: int = 16_777_216
    reading: float = 60


def limits(arguments: argparse.Namespace) -> Limits:
    """The limits that a server's options set."""
    body = arguments.max_buffer_size
    # A body of the size that is allowed is answered, be it alone.
    in_flight = max(body, arguments.max_bytes_in_flight)
    return Limits(
        body,
        arguments.max_requests,
        in_flight,
        arguments.max_rows,
        arguments.deadline_seconds,
        arguments.max_text_size,
        arguments.read_seconds,
    )


def nothing() -> None:
    """What there is to stop where nothing runs."""


class Ticket:
    """What one request takes of the server's budgets, from its head until its answer is written."""

    __slots__ = ("bytes", "expired", "rows", "since", "stop", "watch")

    def __init__(self, since: float) -> None:
        self.since = since
        self.bytes = self.rows = 0
        #: Whether the deadline has passed. When it does, `stop` is called.
        self.expired = False
        self.stop: Callable[[], object] = nothing
        #: Called once if the request takes long.
        self.watch: Optional[Callable[[], object]] = None


class Gate:
    """Admits requests within `limits`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._inside: Dict[Ticket, None] = {}  # the oldest first
        self._bytes = self._rows = 0
        self._timer: Optional[asyncio.TimerHandle] = None

    def enter(self, size: int, since: float) -> Ticket:
        """Admit a request that came at `since` by perf_counter, with a body of so many bytes, as far as that is known.

        Raises Busy, or TooLarge.
        """
        if len(self._inside) >= self.limits.requests:
            raise Busy(f"{len(self._inside)} requests are in flight, as many as --max_requests allows")
        ticket = Ticket(since)
        self.grow(ticket, size)
        self._inside[ticket] = None
        if self._timer is None:
            self._wait()
        return ticket

    def grow(self, ticket: Ticket, size: int) -> None:
        """Let a request's body be of so many bytes. Raises Busy, or TooLarge."""
        if size > self.limits.body:
            raise TooLarge(f"the body is larger than {self.limits.body} bytes, the limit that --max_buffer_size sets")
        if self._bytes - ticket.bytes + size > self.limits.bytes:
            raise Busy(
                f"requests of {self._bytes} bytes are in flight, and --max_bytes_in_flight is {self.limits.bytes}"
            )
        self._bytes += size - ticket.bytes
        ticket.bytes = size

    def hold(self, ticket: Ticket, rows: int) -> None:
        """Count a request's rows, once they are known. Raises Busy, unless no other rows are in flight."""
        if self._rows and self._rows + rows > self.limits.rows:
            raise Busy(f"{self._rows} rows are in flight, and --max_rows is {self.limits.rows}")
        self._rows += rows
        ticket.rows = rows

    def leave(self, ticket: Ticket) -> None:
        """Give back what a request took."""
        if ticket in self._inside:
            del self._inside[ticket]
            self._bytes -= ticket.bytes
            self._rows -= ticket.rows

    def _tick(self) -> None:
        """Look after the requests that take long. One timer for all: one for each would cost each of them."""
        now, deadline = time.perf_counter(), self.limits.deadline
        for ticket in list(self._inside):
            age = now - ticket.since
            if age < PATIENCE:
                break
            if ticket.watch:
                watch, ticket.watch = ticket.watch, None
                watch()
            if deadline and age >= deadline and not ticket.expired:
                ticket.expired = True
                ticket.stop()
        self._timer = None
        if self._inside:
            self._wait()

    def _wait(self) -> None:
        # In no request's context: what is done for one would count as a part of another one's trace.
        later = asyncio.get_running_loop().call_later
        self._timer = contextvars.Context().run(later, PATIENCE, self._tick)
