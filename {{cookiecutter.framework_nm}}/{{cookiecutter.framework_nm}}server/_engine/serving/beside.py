"""Work of other threads than the event loop's: while one of them has Python's lock, a call of the loop's waits for it.

Not here: the thread that a model has to itself (worker.py), and what is made of a wait (quick.py).
"""

from __future__ import annotations

import asyncio
import threading
from typing import Callable, TypeVar

T = TypeVar("T")


class Beside:
    """Counts such work: what is being done `now`, and what is `done`. Enter it, in any thread, to do some."""

    def __init__(self) -> None:
        self.now = self.done = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self.now -= 1
            self.done += 1


#: That of the process, as its lock is.
BESIDE = Beside()


async def run(work: Callable[[], T]) -> T:
    """Do work in a thread of the event loop's pool. Raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(None, _counted, work)


def _counted(work: Callable[[], T]) -> T:
    with BESIDE:
        return work()
