"""Promises of gathering: requests that come one at a time are read together, and no request is held up for long."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Coroutine
from typing import Any

import pytest

gathering = importlib.import_module("_engine.sdk.gathering")  # which mypy cannot find: see conftest.py


class Loop:
    """What happened: turns of the event loop, and in which of them each request was let go."""

    def __init__(self) -> None:
        self.turn = 0
        self.seconds = 0.0
        self.gathered = gathering.Gathering(lambda: self.seconds)
        self.gone: dict[int, int] = {}

    async def ask(self, request: int) -> None:
        await self.gathered()
        self.gone[request] = self.turn

    async def turns(self, count: int, seconds: float = 0.0) -> None:
        """Let so many turns pass, each of which takes so many seconds."""
        for _ in range(count):
            await asyncio.sleep(0)
            self.turn += 1
            self.seconds += seconds


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 30))


def test_requests_a_few_turns_apart_go_together() -> None:
    async def story() -> None:
        loop = Loop()
        tasks = []
        for request in range(10):
            tasks.append(asyncio.create_task(loop.ask(request)))
            await loop.turns(5)
        await asyncio.gather(*tasks)
        assert len(loop.gone) == 10
        assert len({*loop.gone.values()}) == 1

    run(story())


def test_one_alone_waits_for_a_few_turns() -> None:
    async def story() -> None:
        loop = Loop()
        task = asyncio.create_task(loop.ask(0))
        await loop.turns(12)
        assert task.done()

    run(story())


@pytest.mark.parametrize("seconds", [0.0, 0.0001], ids=["many", "slow"])
def test_a_stream_that_never_ends_holds_nobody_up(seconds: float) -> None:
    """Not while ever more come, nor where turns take long."""

    async def story() -> None:
        loop = Loop()
        tasks = []
        for request in range(100):
            tasks.append(asyncio.create_task(loop.ask(request)))
            await loop.turns(1, seconds)
        assert loop.gone[0] < (70 if seconds == 0 else 30)
        await asyncio.gather(*tasks)

    run(story())


def test_a_client_that_leaves_takes_nobody_along() -> None:
    async def story() -> None:
        loop = Loop()
        leaving, staying = (asyncio.create_task(loop.ask(request)) for request in range(2))
        await loop.turns(1)
        leaving.cancel()
        await staying
        assert [*loop.gone] == [1]

    run(story())
