"""Work of other threads than the event loop's: while one of them has Python's lock, a call of the loop's waits for it.

Not here: the thread that a model has to itself (worker.py), and what is made of a wait (quick.py).
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor
from typing import Callable, Optional, TypeVar

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


async def run(work: Callable[[], T], pool: Optional[Executor] = None) -> T:
    """Do work in a thread of a pool, the event loop's unless another is given. Raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(pool, _counted, work)


def _counted(work: Callable[[], T]) -> T:
    with BESIDE:
        return work()
