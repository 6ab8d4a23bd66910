"""The thread that a model has to itself: an event loop goes on while it works. Not here: what it works on."""

from __future__ import annotations

import threading
import weakref
from queue import SimpleQueue
from typing import Callable, Optional

from .beside import BESIDE


class Worker:
    """Makes one call after another, in a thread that starts with the first one and ends with this object."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Optional[Callable[[], None]]] = SimpleQueue()
        self._thread: Optional[threading.Thread] = None

    @property
    def dead(self) -> bool:
        """Whether the thread has ended, such as by an error that other code raised in it from outside."""
        return self._thread is not None and not self._thread.is_alive()

    def call(self, call: Callable[[], None]) -> None:
        """Have it made, after those that were asked for before."""
        if self._thread is None:
            # A daemon, because an interpreter that ends would wait for a call that never returns.
            self._thread = threading.Thread(target=_work, args=(self._calls,), name="model", daemon=True)
            self._thread.start()
            weakref.finalize(self, self._calls.put, None)
        self._calls.put(call)


def _work(calls: SimpleQueue[Optional[Callable[[], None]]]) -> None:
    """Make the calls, until None comes; a function, so that the thread keeps no worker alive."""
    while True:
        call = calls.get()
        if call is None:
            return
        with BESIDE:
            call()
        del call
