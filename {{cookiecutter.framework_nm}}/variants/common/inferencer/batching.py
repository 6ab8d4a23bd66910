"""Running the model: off the event loop, one call at a time, with the requests that wait put together.

While the model is busy, requests gather; when it is free, they run as one call. An idle model is called at
once, so that nobody ever waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np


class Overloaded(Exception):
    """So many requests wait already that one more had better be sent elsewhere, or later."""


class _Job(NamedTuple):
    X: Any
    proba: bool
    since: float
    answer: asyncio.Future[np.ndarray]


class Batcher:
    """Calls `predict(X, proba)` in a thread of its own.

    `max_rows` is how many rows go into one call; a single larger request is still run whole. `max_waiting` is
    how many requests may wait. `on_call` is told of each call: its rows, and the seconds that its requests waited.
    """

    def __init__(
        self,
        predict: Callable[[Any, bool], np.ndarray],
        max_rows: int,
        max_waiting: int,
        on_call: Callable[[int, list[float]], None] = lambda rows, waited: None,
    ) -> None:
        self._predict = predict
        self._max_rows = max_rows
        self._max_waiting = max_waiting
        self._on_call = on_call
        self._waiting: deque[_Job] = deque()
        self._busy = False
        self._started = self._took = 0.0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")

    @property
    def slow(self) -> bool:
        """Whether calls take so long that it is worth to notice when somebody no longer waits for one."""
        return self._took > 0.1 or (self._busy and time.perf_counter() - self._started > 0.1)

    async def __call__(self, X: Any, proba: bool) -> np.ndarray:
        """Answer X, one prediction per row. Raises Overloaded, or whatever the model raises for these rows."""
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{len(self._waiting)} requests wait for this model already")
        loop = asyncio.get_running_loop()
        job = _Job(X, proba, time.perf_counter(), loop.create_future())
        self._waiting.append(job)
        if not self._busy:
            self._run_next(loop)
        return await job.answer

    async def alone(self, call: Callable[[Any], Any], X: Any) -> Any:
        """Call something else about the model, in the same thread, so that the two never meet."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, X)

    def _run_next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        self._busy = bool(batch)
        if batch:
            self._started = time.perf_counter()
            self._on_call(sum(len(job.X) for job in batch), [self._started - job.since for job in batch])
            call = self._executor.submit(self._run, batch)
            call.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, loop, batch, done))

    def _take(self) -> list[_Job]:
        """The jobs for the next call: those that came first, of one kind, as many as fit."""
        batch: list[_Job] = []
        rows = 0
        while self._waiting:
            job = self._waiting[0]
            if not job.answer.cancelled():
                if batch and (job.proba != batch[0].proba or rows + len(job.X) > self._max_rows):
                    break
                batch.append(job)
                rows += len(job.X)
            self._waiting.popleft()
        return batch

    def _finish(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Job], done: Future[list[np.ndarray | Exception]]
    ) -> None:
        self._took = time.perf_counter() - self._started
        for job, result in zip(batch, done.result()):
            if job.answer.cancelled():
                continue
            if isinstance(result, Exception):
                job.answer.set_exception(result)
            else:
                job.answer.set_result(result)
        self._run_next(loop)

    def _run(self, batch: list[_Job]) -> list[np.ndarray | Exception]:
        if len(batch) > 1:
            try:
                together = self._call(_stack([job.X for job in batch]), batch[0].proba)
                return [*np.split(together, np.cumsum([len(job.X) for job in batch])[:-1])]
            except Exception:  # one of them is at fault, and only that one is to hear of it
                pass
        results: list[np.ndarray | Exception] = []
        for job in batch:
            try:
                results.append(self._call(job.X, job.proba))
            except Exception as error:
                results.append(error)
        return results

    def _call(self, X: Any, proba: bool) -> np.ndarray:
        y_hat = np.asarray(self._predict(X, proba))
        if y_hat.ndim == 0 or len(y_hat) != len(X):
            raise RuntimeError(f"the model answered {len(X)} rows with an array of shape {list(y_hat.shape)}")
        return y_hat


def _stack(inputs: list[Any]) -> Any:
    if isinstance(inputs[0], np.ndarray):
        return np.concatenate(inputs)
    import pandas as pd

    return pd.concat(inputs, ignore_index=True)
