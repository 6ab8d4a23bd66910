"""Waiting for work no longer than so many seconds. Not here: which work, and what it may take."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What `work` returns, or raises. What takes longer is left to itself, and goes with the process.

    Ctrl-C ends the waiting at once, whatever the work does. Raises TimeoutError after so many seconds.
    """
    ended: queue.Queue[Any] = queue.Queue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except BaseException as error:
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"it took longer than {seconds:.0f} seconds") from None
    if error is not None:
        raise error
    return result
