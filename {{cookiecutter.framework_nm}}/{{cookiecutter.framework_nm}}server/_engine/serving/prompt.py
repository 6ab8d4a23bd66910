"""Predictions without a task: a body that is here as a whole is decoded, and answered where the model has.

A task, and what waits in it, costs a light model's request a third of its time, and one of 1,000 rows a tenth. What
is asked and answered is what rest.py has, which answers whatever is unusual, mistakes among it. Not here: how bytes
come in and go out.
"""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Awaitable, Callable, Protocol

from ..protocol.answers import Output
from ..protocol.requests import Request
from .failures import OK
from .gate import nothing
from .jobs import Job, Result
from .replies import WORTHWHILE, Answer
from .rest import SLICED, Prediction


class Client(Protocol):
    """Who asks: it gets an answer, or runs what is to be `answered` in a task."""

    def done(self, answer: Answer) -> None: ...

    def later(self, work: Callable[[], Awaitable[Answer]]) -> None: ...


class Prompt(Prediction):
    """A prediction that may do without a task."""

    def begin(self, body: bytes, client: Client) -> None:
        """Have a whole request answered, in a later turn of the event loop."""
        self.complete = self.refused is None and self.arrived(len(body))
        unusual = not self.complete or self.coding or self.event or self.can.explains or len(body) >= SLICED
        if unusual or not self._submitted(body, client):
            client.later(functools.partial(self.work, functools.partial(self._whole, body)))

    async def _whole(self, body: bytes) -> bytes:
        if self.left:
            raise asyncio.CancelledError
        return body

    def _submitted(self, body: bytes, client: Client) -> bool:
        """Whether the body is decoded, and the model asked, here or in a task; if not, a task is to say why."""
        assert self.ticket
        since = time.perf_counter()
        try:
            model = self.model
            request = self.decoded_at_once(model, body)
            if request is None:
                return False
            self.hold(len(request.X))
            decoded = time.perf_counter()
            model.telemetry.preprocess(decoded - since)
            if len(request.outputs) > 1:
                client.later(functools.partial(self._several, request, decoded))
                return True
            job = model.submit(request, functools.partial(self._conclude, request, decoded, client))
        except Exception as error:
            self.refused = error
            return False
        self.ticket.stop = functools.partial(self._stop, job, client)
        return True

    def _conclude(self, request: Request, decoded: float, client: Client, result: Result) -> None:
        """The model has answered, or said why not."""
        assert self.ticket
        self.ticket.stop = nothing
        try:
            if isinstance(result, Exception):
                raise result
            asked = request.outputs[0]
            output = Output(asked.alias or self.model.output_of(request, asked), result)
            answer = self.concluded(request, decoded, [output])
        except Exception as error:
            client.done(self.refusal(self.failed(error)))
            return
        if len(answer.body) < WORTHWHILE:
            self.outcome = OK
            client.done(self.carrying(answer))
        else:
            client.later(functools.partial(self.compressed, answer))

    async def _several(self, request: Request, decoded: float) -> Answer:
        """The answer to a request for several outputs, which takes a task."""
        return await self.compressed(await self.predicted(request, decoded))

    def _stop(self, job: Job, client: Client) -> None:
        """The time is over, or the client has left."""
        assert self.ticket
        self.ticket.stop = nothing
        job.withdraw()
        client.done(self.refusal(self.failed(self.stopped())))
