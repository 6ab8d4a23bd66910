"""How a server ends without losing a request: when it stops being ready, when it stops accepting, when it gives up.

A load balancer goes on sending for a while after SIGTERM, until it has heard that this server is no longer ready.
How an SDK's server closes its sockets and finishes what is in flight is in server.py.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable

#: Seconds that requests in flight have to finish once the server accepts no more of them.
LIMIT = 60


def end_at_sigterm() -> None:
    """End the process at once at SIGTERM, for as long as the server has no handler of its own.

    In a container it is the first process, which the system ends at no signal that it does not handle. Models are
    loaded then, and their code may catch whatever a handler raises.
    """
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


class Drain:
    """Runs `begin` at the first signal, and `finish` after `seconds` more; then the process ends within `LIMIT`.

    `finish` returns when all requests in flight are answered.
    """

    def __init__(
        self,
        seconds: float,
        begin: Callable[[], None],
        finish: Callable[[], Awaitable[None]],
        logger: logging.Logger,
    ) -> None:
        self._seconds = seconds
        self._begin = begin
        self._finish = finish
        self._logger = logger
        #: Whether the server is about to end: then it is not ready, though it answers.
        self.begun = False
        self._finishing: asyncio.Future[None] | None = None

    @property
    def finishing(self) -> bool:
        """Whether it accepts nothing more, and ends once what is in flight is answered."""
        return self._finishing is not None

    def on_signal(self, number: int) -> None:
        """Drain at the first SIGTERM; finish at once at any further signal, and at Ctrl-C, which a person waits for."""
        seconds = 0.0 if self.begun or number != signal.SIGTERM else self._seconds
        asyncio.get_running_loop().call_later(seconds, self._end)  # first: nothing below may keep it from ending
        if not self.begun:
            self.begun = True
            self._logger.info("No longer ready; answering for another %g s, then stopping", seconds)
            self._begin()

    def _end(self) -> None:
        if self._finishing:
            return
        watchdog = threading.Timer(LIMIT, self._give_up)  # a thread: the interpreter's exit waits for stuck calls, too
        watchdog.daemon = True
        watchdog.start()
        self._finishing = asyncio.ensure_future(self._finish())

    def _give_up(self) -> None:
        self._logger.error(
            "Requests are still in flight %g s after the last was accepted; stopping without answering them", LIMIT
        )
        os._exit(1)
