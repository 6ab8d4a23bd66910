"""Rows that wait for the model, and who is told of their answer. Not here: when the model is called, and with what."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Callable, Deque, Optional, Union

import numpy as np

logger = logging.getLogger(__name__)

#: An answer, one prediction per row, or why there is none.
Result = Union[np.ndarray, Exception]


class Job:
    """Rows that wait for the model in a queue, since `since`; `done` is told of their answer."""

    __slots__ = ("X", "_done", "_queue", "proba", "rows", "since", "started")

    def __init__(self, X: Any, proba: bool, since: float, done: Callable[[Result], object], queue: Deque[Job]) -> None:
        self.X = X
        self.rows = len(X)
        self.proba = proba
        self.since = self.started = since
        self._done: Optional[Callable[[Result], object]] = done
        self._queue = queue
        queue.append(self)

    def withdraw(self) -> None:
        """Nobody waits for the answer any more: it is not computed, unless that has begun."""
        self._done = None
        if self in self._queue:
            self._queue.remove(self)

    def tell(self, result: Result) -> None:
        """Tell who waits, if somebody does."""
        done, self._done = self._done, None
        if done:
            try:
                done(result)
            except Exception:  # an error in one request's answer must not cost others theirs
                logger.exception("An answer of the model could not be delivered")


def settle(answer: asyncio.Future[np.ndarray], result: Result) -> None:
    """Let a future, which may be cancelled, have an answer."""
    if answer.cancelled():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
