"""The event loop that runs. Not here: what it runs."""

from __future__ import annotations

import asyncio
from typing import Optional


class Running:
    """The loop that runs here, remembered: before Python 3.12, to ask for it is a call of the system."""

    def __init__(self) -> None:
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    def __call__(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self._loop = asyncio.get_running_loop()
        return loop
