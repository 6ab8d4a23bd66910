"""One request on its way through the server, whatever way it came: admitted, answered in time, counted and logged once.

Not here: what its bytes mean, which is in rest.py for REST and in sdk/ for what only an SDK has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Awaitable, Callable, Generic, Mapping, Optional, TypeVar

from .batching import Unavailable
from .failures import (
    FAILED,
    FAILURE,
    LEFT,
    OK,
    Failed,
    Late,
    NotReady,
    NotThere,
    Outcome,
    Stalled,
    late,
    outcome_of,
)
from .gate import Gate, Limits, Ticket, nothing
from .loops import Running
from .model import Serving
from .telemetry import Step, Trace, log_request

logger = logging.getLogger(__name__)

#: What of a request's headers, or gRPC's metadata, its answer carries, too: by these a client finds it again.
CARRIED = ("x-request-id", "traceparent")

M = TypeVar("M", bound=Serving)
T = TypeVar("T")


class Desk(Generic[M]):
    """What all requests of a server share: the models, by `find`, the gate, and whether each is logged."""

    def __init__(self, find: Callable[[str], Optional[M]], limits: Limits, log: bool = False) -> None:
        self.find = find
        self.gate = Gate(limits)
        self.log = log
        self.loop = Running()
        #: Where requests are traced: begins to, by the model's name, the way, what is called, and its headers.
        self.trace: Optional[Callable[[str, str, str, Mapping[str, str]], Trace]] = None


class Call(Generic[M]):
    """A request, from its head until its answer is written: `end` must be called then.

    `way` is what it is counted by: v1, v2, explain, cloudevent or grpc. `size` is that of the body as far as it is
    known. Where a request cannot be admitted, `refused` says why, and its body need not be read.
    """

    bytes_in = 0
    #: Whether all of the body is here.
    complete = False
    left = False
    outcome: Outcome = LEFT
    refused: Optional[Exception] = None
    ticket: Optional[Ticket] = None
    trace: Optional[Trace] = None

    def __init__(
        self,
        desk: Desk[M],
        way: str,
        name: str,
        version: str = "",
        size: int = 0,
        request_id: Optional[str] = None,
    ) -> None:
        self.since = time.perf_counter()
        self.desk = desk
        self.way = way
        self.name = name
        self.request_id = request_id
        found = desk.find(name)
        self._telemetry = found.telemetry if found is not None else None
        if self._telemetry:
            self._telemetry.begun()
        try:
            self._model = _usable(found, name, version)
            self.ticket = desk.gate.enter(size, self.since)
        except Exception as error:
            self.refused = error

    @property
    def model(self) -> M:
        """The model that answers. Raises what the request is refused with."""
        if self.refused:
            raise self.refused
        return self._model

    def arrived(self, size: int) -> bool:
        """Count so many bytes of the body that have come; whether more of it are wanted."""
        self.bytes_in += size
        if self.ticket and self.refused is None and self.bytes_in > self.ticket.bytes:
            try:
                self.desk.gate.grow(self.ticket, self.bytes_in)
            except Exception as error:
                self.refused = error
        return self.refused is None

    def step(self, name: str, since: float) -> float:
        """A step of the request that began at `since` is done; returns when."""
        now = time.perf_counter()
        if self.trace:
            self.trace.steps.append(Step(name, since, now))
        return now

    def unpacked(self, size: int) -> None:
        """Count so many bytes of the body once it is decompressed. Raises Busy, or TooLarge."""
        assert self.ticket
        if size > self.ticket.bytes:
            self.desk.gate.grow(self.ticket, size)

    def hold(self, rows: int) -> None:
        """Count the request's rows. Raises Busy."""
        assert self.ticket
        self.desk.gate.hold(self.ticket, rows)

    def stall(self) -> None:
        """All of the body has not come in time: it is no longer waited for."""
        self.refused = self.refused or self.stopped()

    def leave(self) -> None:
        """The client has left: nobody waits for this any more."""
        self.left = True
        if self.ticket:
            self.ticket.stop()

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do a request's work, for as long as there is time and somebody waits. Raises Failed."""
        task: Any = asyncio.current_task(self.desk.loop())
        try:
            if self.refused:
                raise self.refused
            assert self.ticket
            if self.ticket.expired:  # before all of the body was here
                raise self.stopped()
            self.ticket.stop = task.cancel
            try:
                result = await work()
            finally:
                self.ticket.stop = nothing
            self.outcome = OK
            return result
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and (self.left or (self.ticket and self.ticket.expired)):
                if hasattr(task, "uncancel"):  # from Python 3.11
                    task.uncancel()
                error = self.stopped()
            elif isinstance(error, (asyncio.CancelledError, GeneratorExit)):  # the server ends, or gRPC's client left
                raise
            raise self.failed(error) from None

    def failed(self, error: BaseException) -> Failed:
        """The request ends with this error: how, and what its client is told."""
        self.outcome = LEFT if self.left else outcome_of(error)
        return Failed(self.outcome, self._message(error))

    def stopped(self) -> Exception:
        """Why the work was stopped before it was done."""
        seconds = self.desk.gate.limits.deadline
        if self.left:
            return Late("the client has left")
        if self.complete:
            return Late(f"there was no answer within {seconds:g} seconds, the time that --deadline_seconds sets")
        return Stalled(late(seconds))

    def _message(self, error: BaseException) -> str:
        """What the client is told; what the owner of the server should know, too, goes into the log."""
        if self.outcome is FAILURE:
            logger.error("Model %s failed on a request", self.name, exc_info=error)
            return FAILED
        if isinstance(error, Unavailable):
            logger.warning("Model %s: %s", self.name, error)
        return str(error)

    def end(self, bytes_out: int = 0) -> None:
        """Give back what the request took, count it, and log it where that is asked for."""
        if self.ticket:
            self.desk.gate.leave(self.ticket)
        if self.refused:
            self.refused.__traceback__ = None  # which holds this call, and would keep it until there is a collection
        status = self.outcome.code if self.way == "grpc" else self.outcome.status
        seconds = time.perf_counter() - self.since
        if self._telemetry:
            self._telemetry.ended(self.way, str(status), seconds, self.bytes_in, bytes_out)
        if self.trace:
            self.trace.ended(str(status))
        if self.desk.log:
            log_request(
                model=self.name,
                protocol=self.way,
                status=status,
                ms=round(seconds * 1000, 3),
                bytes_in=self.bytes_in,
                bytes_out=bytes_out,
                request_id=self.request_id,
            )


def _usable(model: Optional[M], name: str, version: str) -> M:
    """The model, if it answers. Raises NotThere, or NotReady."""
    if model is None:
        raise NotThere(f"Model with name {name} does not exist.")
    if version and not model.is_version(version):
        raise NotThere(model.other_version(version))
    if not model.ready:
        raise NotReady(f"Model with name {name} is not ready. {model.stuck and f'It is stuck: {model.stuck}.'}".strip())
    return model
