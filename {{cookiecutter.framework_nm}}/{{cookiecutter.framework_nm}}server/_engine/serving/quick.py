"""Which calls of a model are so quick that the event loop makes them itself: handing one to a thread takes longer.

It is measured when a model is loaded, and watched: a model that has turned slow goes to its thread. Not here: how calls
are made, which is in batching.py.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable

import numpy as np

#: Seconds up to which a call is quick. To a thread and back takes a quarter of that, and nobody notices the rest.
QUICK = 0.0002
#: Seconds from which on a call is slow, and the calls in a row that have to be: one may be the machine's fault.
_SLOW, _STRIKES = 0.001, 3
#: Seconds from which on one such call is too many.
_FAR_TOO_SLOW = 0.05
#: Seconds for which a model that was slow is left to its thread.
_PENALTY = 60.0


class Quick:
    """How many rows one model answers quickly, in one call, by the seconds of `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows = 0
        self._strikes = 0
        self._from = 0.0  # when calls may be made by the loop again

    def measure(self, call: Callable[[Any], object], row: np.ndarray, most: int) -> None:
        """Find out how many rows such as `row`, of which there is one, make a quick call, up to `most`.

        They are answered while an event loop runs: code that cannot be, because it runs one itself, is not quick.
        """

        async def measured() -> None:
            self._measure(call, row, most)

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loop = asyncio.new_event_loop()
            try:
                loop.run_until_complete(measured())
            finally:
                loop.close()
        else:
            self._measure(call, row, most)

    def _measure(self, call: Callable[[Any], object], row: np.ndarray, most: int) -> None:
        rows = 1
        while rows <= most and self._one_is_quick(call, np.repeat(row, rows, axis=0)):
            self._rows, rows = rows, rows * 4

    def _one_is_quick(self, call: Callable[[Any], object], X: np.ndarray) -> bool:
        """Whether one of three calls is quick: others may be the machine's fault, and the first one warms up."""
        for _ in range(3):
            start = self._clock()
            try:
                call(X)
            except Exception:  # whoever sends so many rows is told
                return False
            took = self._clock() - start
            if took <= QUICK:
                return True
            if took > _FAR_TOO_SLOW:
                return False
        return False

    def is_quick(self, rows: int, now: float) -> bool:
        """Whether the loop makes a call of so many rows itself; `now` is the clock's."""
        return rows <= self._rows and now >= self._from

    def took(self, seconds: float, now: float) -> None:
        """Note how long a call took that the loop has made."""
        if seconds < _SLOW:
            self._strikes = 0
            return
        self._strikes += 1
        if self._strikes >= _STRIKES or seconds > _FAR_TOO_SLOW:
            self._strikes = 0
            self._from = now + _PENALTY
