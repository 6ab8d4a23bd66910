"""Gathering requests over gRPC, which hands them to the event loop one at a time, however many are there.

Read one after another, a request takes a fraction of what it takes between gRPC's own work, and the model answers them
in one call. Not here: how they are read, and what waits while the model is busy, which is in serving/batching.py.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable

from ..serving.loops import Running

#: Turns of the event loop without a further request after which none is waited for. While there are more, each fifth or
#: so brings one.
_QUIET = 8
#: Requests that are gathered at most, and seconds that the first one waits for others.
_MOST, _LONGEST = 64, 0.002


class Gathering:
    """Holds requests up for as long as others keep coming, by the seconds of `clock`. One alone waits for next to
    nothing: an idle loop takes its turns at once.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._loop = Running()
        self._waiting: list[asyncio.Future[None]] = []
        self._since = 0.0
        self._quiet = 0

    async def __call__(self) -> None:
        """Wait with the others."""
        loop = self._loop()
        done = loop.create_future()
        self._quiet = 0
        self._waiting.append(done)
        if len(self._waiting) == 1:
            self._since = self._clock()
            # What is done for all requests is no part of one request's trace.
            contextvars.Context().run(loop.call_soon, self._turn, loop)
        await done

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look whether more requests have come since the last turn of the loop."""
        self._quiet += 1
        late = self._clock() - self._since >= _LONGEST
        if self._quiet < _QUIET and len(self._waiting) < _MOST and not late:
            loop.call_soon(self._turn, loop)
            return
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            if not done.done():  # its client has left
                done.set_result(None)
