"""Running the model: off the event loop, one call at a time, with the requests that wait put together.

While the model is busy, requests gather; when it is free, they run as one call. An idle model is called at
once, so that nobody ever waits for a batch to fill. Whatever a call raises, the next one is made.

Not here: what a call computes, and what a client is told.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np

from ..contract.errors import NoExplanations, Unanswerable
from .telemetry import Step, Trace

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


class _Job:
    __slots__ = ("X", "answer", "proba", "rows", "since", "started")

    def __init__(self, X: Any, proba: bool, answer: asyncio.Future[np.ndarray]) -> None:
        self.X = X
        self.rows = len(X)
        self.proba = proba
        self.since = self.started = time.perf_counter()
        self.answer = answer


class Batcher:
    """Calls `predict(X, proba)` in a thread of its own.

    `max_rows` is how many rows go into one call; a single larger request is still run whole. `max_waiting` is
    how many requests may wait. `on_call` is told of each call: its rows, and the seconds that its requests waited.
    A call that takes longer than `stuck_seconds` counts as one that never returns. `step` is what a call is traced as.
    """

    def __init__(
        self,
        predict: Callable[[Any, bool], Any],
        max_rows: int,
        max_waiting: int,
        on_call: Callable[[int, list[float]], None] = lambda rows, waited: None,
        stuck_seconds: float = 60,
        step: str = "predict",
    ) -> None:
        self._predict = predict
        self._step = step
        self._max_rows = max_rows
        self._max_waiting = max_waiting
        self._on_call = on_call
        self._stuck_seconds = stuck_seconds
        self._waiting: deque[_Job] = deque()
        self._busy = False
        self._calling_since = 0.0  # the jobs of a batch that failed are called one by one
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def stuck(self) -> str:
        """Why requests are no longer answered, or "" where they are."""
        if self._thread is None:
            return ""
        if not self._thread.is_alive():
            return "the thread that runs it has ended"
        if self._busy:
            seconds = time.perf_counter() - self._calling_since
            if seconds > self._stuck_seconds:
                return f"a call of the model has taken {seconds:.0f} seconds, longer than --stuck_seconds allows"
        return ""

    async def __call__(self, X: Any, proba: bool, trace: Trace | None = None) -> np.ndarray:
        """Answer X, one prediction per row.

        Raises Overloaded, what is said of these rows or of the model (`MEANT`), or ModelFailed.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{len(self._waiting)} requests are already waiting for this model")
        if self._thread is None:
            self._thread = self._start_thread()
        loop = asyncio.get_running_loop()
        job = _Job(X, proba, loop.create_future())
        self._waiting.append(job)
        if not self._busy:
            self._run_next(loop)
        try:
            return await job.answer
        except asyncio.CancelledError:
            if job in self._waiting:  # else it has been begun
                self._waiting.remove(job)
            raise
        finally:
            if trace:
                now = time.perf_counter()
                trace.steps += [Step("queue", job.since, job.started), Step(self._step, job.started, now)]

    def _start_thread(self) -> threading.Thread:
        # A daemon, because an interpreter that ends would wait for a call that never returns.
        thread = threading.Thread(target=_work, args=(self._calls,), name="model", daemon=True)
        thread.start()
        weakref.finalize(self, self._calls.put, None)
        return thread

    def _run_next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        self._busy = bool(batch)
        if not batch:
            return
        started = self._calling_since = time.perf_counter()
        for job in batch:
            job.started = started
        self._calls.put(functools.partial(self._run, batch, loop))
        try:
            self._on_call(sum(job.rows for job in batch), [started - job.since for job in batch])
        except Exception:  # an error in counting must not cost anybody an answer
            logger.exception("A call of the model could not be counted")

    def _take(self) -> list[_Job]:
        """The jobs for the next call: those that came first, of one kind, as many as fit."""
        batch: list[_Job] = []
        rows = 0
        while self._waiting:
            job = self._waiting[0]
            if not job.answer.cancelled():
                if batch and (job.proba != batch[0].proba or rows + job.rows > self._max_rows):
                    break
                batch.append(job)
                rows += job.rows
            self._waiting.popleft()
        return batch

    def _finish(
        self, batch: list[_Job], results: list[np.ndarray | Exception], loop: asyncio.AbstractEventLoop
    ) -> None:
        try:
            for job, result in zip(batch, results):
                if job.answer.cancelled():
                    continue
                if isinstance(result, Exception):
                    job.answer.set_exception(result)
                else:
                    job.answer.set_result(result)
        finally:
            self._run_next(loop)

    def _run(self, batch: list[_Job], loop: asyncio.AbstractEventLoop) -> None:
        """Answer a batch, in the thread, and have the event loop go on with the next one, whatever happens here."""
        results: list[np.ndarray | Exception] = []
        try:
            results = self._results(batch)
        except BaseException as error:  # such as one that other code raises in this thread from outside
            results = [_carried(error)] * len(batch)
        finally:
            try:
                loop.call_soon_threadsafe(self._finish, batch, results, loop)
            except RuntimeError:  # the loop is closed: nobody is waiting there
                self._busy = False

    def _results(self, batch: list[_Job]) -> list[np.ndarray | Exception]:
        if len(batch) > 1:
            try:
                together = self._call(stack([job.X for job in batch]), batch[0].proba)
                return [*np.split(together, np.cumsum([job.rows for job in batch])[:-1])]
            except BaseException:  # one of them is at fault, and only that one gets the error
                pass
        results: list[np.ndarray | Exception] = []
        for job in batch:
            try:
                results.append(self._call(job.X, job.proba))
            except BaseException as error:
                results.append(_carried(error))
        return results

    def _call(self, X: Any, proba: bool) -> np.ndarray:
        self._calling_since = time.perf_counter()
        y_hat = np.asarray(self._predict(X, proba))
        if y_hat.ndim == 0 or len(y_hat) != len(X):
            raise RuntimeError(f"the model answered {len(X)} rows with an array of shape {list(y_hat.shape)}")
        return y_hat


def _work(calls: SimpleQueue[Callable[[], None] | None]) -> None:
    """Make one call after another, until None comes; a function, so that the thread keeps no batcher alive."""
    while True:
        call = calls.get()
        if call is None:
            return
        call()
        del call


def _carried(error: BaseException) -> Exception:
    """The error as one that neither the event loop nor an SDK takes for one of its own."""
    if isinstance(error, MEANT):
        return error
    failed = ModelFailed(f"the model's code raised {type(error).__name__}")
    failed.__cause__ = error
    return failed


def stack(inputs: list[Any]) -> Any:
    """The rows of one input after another."""
    if isinstance(inputs[0], np.ndarray):
        return np.concatenate(inputs)
    import pandas as pd

    return pd.concat(inputs, ignore_index=True)
