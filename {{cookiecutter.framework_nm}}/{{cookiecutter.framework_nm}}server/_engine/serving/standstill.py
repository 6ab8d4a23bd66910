"""Saying in the log that the event loop stands still: nothing else can, and no probe is answered meanwhile.

Kubernetes takes a liveness probe without an answer for a failed one, and starts the server again; a thread here says
before what it stood at. Not here: calls of models in threads of their own, which batching.py watches.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

logger = logging.getLogger(__name__)

#: Seconds for which the loop stands still before the log says so: less than Kubernetes' probes wait.
STILL = 5.0
#: Seconds between two looks.
_EVERY = 1.0


def watch_loop(still: float = STILL) -> None:
    """Watch the loop that runs here, until it is closed; call it from the thread that the loop runs in."""
    arguments = (asyncio.get_running_loop(), threading.get_ident(), still)
    threading.Thread(target=_watch, args=arguments, name="standstill", daemon=True).start()


def _watch(loop: asyncio.AbstractEventLoop, thread: int, still: float) -> None:
    while True:
        turned = threading.Event()
        try:
            loop.call_soon_threadsafe(turned.set)
        except RuntimeError:  # it is closed
            return
        if not turned.wait(still):
            logger.error(
                "The event loop has stood still for %g seconds, and nothing is answered, liveness included. If a call "
                "of your model is to blame, QUICK_CALLS=false leaves all calls to a thread. It is at:\n%s",
                still,
                "".join(traceback.format_stack(sys._current_frames().get(thread))),
            )
            turned.wait()
        time.sleep(_EVERY)
