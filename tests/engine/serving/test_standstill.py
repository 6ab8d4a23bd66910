"""The promise that whoever reads the log learns why a server answers nothing at all."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from _engine.serving.standstill import watch_loop


class Told(logging.Handler):
    """Waits for a message."""

    def __init__(self) -> None:
        super().__init__()
        self.message = ""
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.message = record.getMessage()
        self.came.set()


@pytest.fixture
def told() -> Iterator[Told]:
    handler = Told()
    logger = logging.getLogger("_engine.serving.standstill")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_a_call_that_holds_up_the_loop_is_named_in_the_log_with_what_to_do(told: Told) -> None:
    def owners_slow_code() -> bool:
        return told.came.wait(30)

    async def main() -> bool:
        watch_loop(0.05)
        return owners_slow_code()

    assert asyncio.run(main())
    assert "QUICK_CALLS=false" in told.message
    assert "owners_slow_code" in told.message


def test_a_loop_that_turns_is_not_spoken_of_and_a_closed_one_no_longer_watched(told: Told) -> None:
    async def main() -> None:
        watch_loop(10)
        await asyncio.sleep(0)

    before = {*threading.enumerate()}
    asyncio.run(main())
    for thread in {*threading.enumerate()} - before:
        thread.join(30)
        assert not thread.is_alive()
    assert not told.message
