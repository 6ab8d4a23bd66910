"""Running the model: one call at a time, with the requests that wait put together.

While the model is busy, requests gather; when it is free, they run as one call. An idle model is called at once, so
that nobody ever waits for a batch to fill: by its thread, or, if such calls are known to be quick, by the event loop,
once all that it has read in this turn waits. Whatever a call raises, the next one is made.

Not here: what a call computes, and what a client is told.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..contract.errors import NoExplanations, Unanswerable
from .jobs import Job, Result, settle
from .loops import Running
from .quick import Quick, Usage, usage
from .stacking import as_array, stack
from .telemetry import Step, Trace
from .worker import Worker

logger = logging.getLogger(__name__)


class Overloaded(Exception):
    """As many requests wait as may wait: the client should try again later, or elsewhere."""


class Unavailable(Exception):
    """The server cannot explain at present, and goes on predicting. The message says why."""


class ModelFailed(RuntimeError):
    """The model's code raised an error, which is the `__cause__`.

    As it is, an event loop or an SDK could take it for its own: SystemExit, or the HTTPError of an HTTP client.
    """


#: What a model raises to say something; whatever else it raises is a failure.
MEANT = (Unanswerable, Unavailable, NoExplanations)


class Batcher:
    """Calls `predict(X, proba)`, in a thread of its own unless the call is quick.

    `max_rows` is how many rows go into one call; a single larger request is still run whole. `max_waiting` is
    how many requests may wait. `on_call` is told of each call: its rows, and the seconds that its requests waited.
    A call that takes longer than `stuck_seconds` counts as one that never returns. `step` is what a call is traced as,
    by the seconds of `clock`. `usage` is what a thread has used of the processor.
    """

    def __init__(
        self,
        predict: Callable[[Any, bool], Any],
        max_rows: int,
        max_waiting: int,
        on_call: Callable[[int, list[float]], None] = lambda rows, waited: None,
        stuck_seconds: float = 60,
        step: str = "predict",
        clock: Callable[[], float] = time.perf_counter,
        usage: Callable[[], Usage] = usage,
    ) -> None:
        self._predict = predict
        self._step = step
        self._clock = clock
        self._max_rows = max_rows
        self._max_waiting = max_waiting
        self._on_call = on_call
        self._stuck_seconds = stuck_seconds
        #: Those that wait for labels, and those that wait for probabilities, which no call answers together.
        self._waiting: tuple[deque[Job], deque[Job]] = (deque(), deque())
        self._busy = False
        self._calling_since = 0.0  # the jobs of a batch that failed are called one by one
        self._worker = Worker()
        self._quick = Quick(clock, usage)
        self._loop = Running()
        # What is done for all requests is no part of one request's trace.
        self._context = contextvars.Context()

    def measure(self, row: np.ndarray, proba: bool) -> None:
        """Find out which calls are quick, by one row. It is for models that take equally long over all rows."""
        self._quick.measure(lambda X: self._call(X, proba), row, self._max_rows)

    @property
    def stuck(self) -> str:
        """Why requests are no longer answered, or "" where they are."""
        if self._worker.dead:
            return "the thread that runs it has ended"
        if self._busy:
            seconds = self._clock() - self._calling_since
            if seconds > self._stuck_seconds:
                return f"a call of the model has taken {seconds:.0f} seconds, longer than --stuck_seconds allows"
        return ""

    async def __call__(self, X: Any, proba: bool, trace: Trace | None = None) -> np.ndarray:
        """Answer X, one prediction per row.

        Raises Overloaded, what is said of these rows or of the model (`MEANT`), or ModelFailed.
        """
        answer = self._loop().create_future()
        job = self.submit(X, proba, functools.partial(settle, answer))
        try:
            found: np.ndarray = await answer
            return found
        except asyncio.CancelledError:
            job.withdraw()
            raise
        finally:
            if trace:
                now = self._clock()
                trace.steps += [Step("queue", job.since, job.started), Step(self._step, job.started, now)]

    def submit(self, X: Any, proba: bool, done: Callable[[Result], object]) -> Job:
        """Have X answered: `done` is called in a later turn of the event loop, with what a call would return or raise.

        Raises Overloaded.
        """
        labels, scores = self._waiting
        waiting = len(labels) + len(scores)
        if waiting >= self._max_waiting:
            raise Overloaded(f"{waiting} requests are already waiting for this model")
        job = Job(X, proba, self._clock(), done, self._waiting[proba])
        if not self._busy:
            self._go_on(self._loop())
        return job

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run those that wait: where that is quick, once all that is at hand has been read."""
        now = self._clock()
        if not any(self._waiting):
            self._busy = False
        elif self._quick.is_quick(1, now):
            self._busy, self._calling_since = True, now
            self._context.run(loop.call_soon, self._run_next, loop)
        else:
            self._run_next(loop)

    def _run_next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        self._busy = bool(batch)
        if not batch:  # all who waited have left
            return
        started = self._calling_since = self._clock()
        rows = 0
        for job in batch:
            job.started = started
            rows += job.rows
        quick = self._quick.is_quick(rows, started)
        if not quick:
            self._worker.call(functools.partial(self._run, batch, loop))
        try:
            self._on_call(rows, [started - job.since for job in batch])
        except Exception:  # an error in counting must not cost anybody an answer
            logger.exception("A call of the model could not be counted")
        if quick:
            self._quick.begin(started)
            results = self._results(batch)
            self._quick.end(self._clock())
            self._finish(batch, results, loop)

    def _take(self) -> list[Job]:
        """The jobs for the next call: those of the kind that has waited longest, as many as fit."""
        batch: list[Job] = []
        rows = 0
        waiting = min(filter(None, self._waiting), key=lambda jobs: jobs[0].since, default=self._waiting[0])
        while waiting:
            job = waiting[0]
            if batch and rows + job.rows > self._max_rows:
                break
            batch.append(job)
            rows += job.rows
            waiting.popleft()
        return batch

    def _finish(self, batch: list[Job], results: list[Result], loop: asyncio.AbstractEventLoop) -> None:
        try:
            for job, result in zip(batch, results):
                job.tell(result)
        finally:
            self._go_on(loop)

    def _run(self, batch: list[Job], loop: asyncio.AbstractEventLoop) -> None:
        """Answer a batch, in the thread, and have the event loop go on with the next one, whatever happens here."""
        results: list[Result] = []
        try:
            results = self._results(batch)
        except BaseException as error:  # such as one that other code raises in this thread from outside
            results = [_carried(error)] * len(batch)
        finally:
            try:
                loop.call_soon_threadsafe(self._finish, batch, results, loop)
            except RuntimeError:  # the loop is closed: nobody is waiting there
                self._busy = False

    def _results(self, batch: list[Job]) -> list[Result]:
        results: list[Result] = []
        if len(batch) > 1:
            try:
                together, end = self._call(stack([job.X for job in batch]), batch[0].proba), 0
                for job in batch:
                    first, end = end, end + job.rows
                    results.append(together[first:end])
                return results
            except BaseException:  # one of them is at fault, and only that one gets the error
                results = []
        for job in batch:
            try:
                results.append(self._call(job.X, job.proba))
            except BaseException as error:
                results.append(_carried(error))
        return results

    def _call(self, X: Any, proba: bool) -> np.ndarray:
        self._calling_since = self._clock()
        y_hat = np.asarray(self._predict(as_array(X), proba))
        if y_hat.ndim == 0 or len(y_hat) != len(X):
            raise RuntimeError(f"the model answered {len(X)} rows with an array of shape {list(y_hat.shape)}")
        return y_hat


def _carried(error: BaseException) -> Exception:
    """The error as one that neither the event loop nor an SDK takes for one of its own."""
    if isinstance(error, MEANT):
        return error
    failed = ModelFailed(f"the model's code raised {type(error).__name__}")
    failed.__cause__ = error
    return failed
