"""Which calls of a model are so quick that the event loop makes them itself: handing one to a thread takes longer.

It is measured when a model is loaded, and watched: a model that has turned slow goes to its thread. What the machine
takes for others does not count, nor what the server's other threads do: a busy one would send every model there. Not
here: how calls are made, which is in batching.py.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from .beside import BESIDE

if sys.platform == "linux":  # others do not tell of a single thread
    import resource

#: Seconds up to which a call is quick. To a thread and back takes a quarter of that, and nobody notices the rest.
QUICK = 0.0002
#: Seconds from which on a call is slow, and the calls in a row that have to be.
_SLOW, _STRIKES = 0.001, 3
#: Seconds from which on one call is too many that was looked at closely.
_FAR_TOO_SLOW = 0.05
#: Seconds for which a model that was slow is left to its thread.
_PENALTY = 60.0


class Usage(NamedTuple):
    """What this thread has used of the processor, in seconds, how often that was taken from it, and how often it gave
    it up, to wait for something.
    """

    seconds: float
    preempted: int
    waited: int


def usage() -> Usage:
    """That of this thread; where the system does not say how often, never."""
    if sys.platform == "linux":
        used = resource.getrusage(resource.RUSAGE_THREAD)
        return Usage(time.thread_time(), used.ru_nivcsw, used.ru_nvcsw)
    return Usage(time.thread_time(), 0, 0)


class Quick:
    """How many rows one model answers quickly, in one call, by the seconds of `clock`.

    Of a call in which the thread was preempted, by its `usage`, and did not wait, its own seconds count alone; so they
    do of a call of the loop's beside which other threads worked, as it may have waited for Python's lock.
    """

    def __init__(self, clock: Callable[[], float], usage: Callable[[], Usage] = usage) -> None:
        self._clock = clock
        self._usage = usage
        self._began = 0.0
        #: What was used before a call that is looked at closely, as after a slow one: it takes system calls.
        self._before: Optional[Usage] = None
        #: How much work other threads had done before a call of the loop's.
        self._done: Optional[int] = None
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
            self._begin(self._clock(), self._usage())
            try:
                call(X)
            except Exception:  # whoever sends so many rows is told
                return False
            took = self._took(self._clock())
            if took <= QUICK:
                return True
            if took > _FAR_TOO_SLOW:
                return False
        return False

    def is_quick(self, rows: int, now: float) -> bool:
        """Whether the loop makes a call of so many rows itself; `now` is the clock's."""
        return rows <= self._rows and now >= self._from

    def begin(self, now: float) -> None:
        """The loop makes a call."""
        self._done = BESIDE.done
        self._begin(now, self._usage() if self._strikes else None)

    def end(self, now: float) -> None:
        """It has made it."""
        if now - self._began < _SLOW:
            self._strikes = 0
            return
        seconds = self._took(now)
        if seconds < _SLOW:  # which says nothing of the model
            return
        self._strikes += 1
        if self._strikes >= _STRIKES or (self._before and seconds > _FAR_TOO_SLOW):
            self._strikes = 0
            self._from = now + _PENALTY

    def _begin(self, now: float, before: Optional[Usage]) -> None:
        self._began, self._before = now, before

    def _took(self, now: float) -> float:
        """The seconds that the call took, without those that the machine took for others, as far as that is known."""
        if self._before:
            after = self._usage()
            preempted = after.preempted > self._before.preempted and after.waited == self._before.waited
            if preempted or self._was_beside_others():
                return after.seconds - self._before.seconds
        return now - self._began

    def _was_beside_others(self) -> bool:
        return self._done is not None and (BESIDE.now > 0 or BESIDE.done > self._done)
