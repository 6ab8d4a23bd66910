"""Promises of quick calls: the event loop makes them itself as long as they are quick, and no others."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from typing import Any, List

import numpy as np
import pytest
from _engine.serving.batching import Batcher, ModelFailed
from _engine.serving.beside import BESIDE
from _engine.serving.quick import Usage, usage
from _engine.serving.worker import Worker

ROW = np.ones((1, 2))


class Model:
    """Doubles rows, in `seconds` of its own clock for each call, and of the processor's unless it waits; `threads` has
    where each call was made, and `calls` its rows. In each call the machine takes `others` seconds for others.
    """

    def __init__(self, seconds: float = 0.0, others: float = 0.0, waits: bool = False) -> None:
        self.seconds = seconds
        self.others = others
        self.waits = waits
        self.now = self.used = 0.0
        self.preempted = self.waited = 0
        self.threads: List[str] = []
        self.calls: List[int] = []

    def __call__(self, X: Any, proba: bool) -> np.ndarray:
        self.threads.append(threading.current_thread().name)
        self.calls.append(len(X))
        seconds = self.seconds + (0.002 if len(X) > 16 else 0)
        self.now += seconds + self.others
        self.used += 0 if self.waits else seconds
        self.preempted += self.others > 0
        self.waited += self.waits
        doubled: np.ndarray = X[:, 0] * (10 if proba else 2)
        return doubled

    def clock(self) -> float:
        return self.now

    def usage(self) -> Usage:
        return Usage(self.used, self.preempted, self.waited)

    def made_by(self, calls: int = 1) -> List[str]:
        return self.threads[-calls:]


def measured(model: Model) -> Batcher:
    batcher = Batcher(model, 1000, 1000, clock=model.clock, usage=model.usage)
    batcher.measure(ROW, False)
    model.threads.clear()
    model.calls.clear()
    return batcher


async def alone() -> None:
    """Wait until no thread works beside the loop's: one that has answered still has to end its work."""
    while BESIDE.now:
        await asyncio.sleep(0.01)


async def ask(batcher: Batcher, rows: int = 1, proba: bool = False) -> np.ndarray:
    return await batcher(np.repeat(ROW, rows, axis=0), proba)


def test_the_loop_makes_quick_calls_and_a_thread_those_of_more_rows_than_are_quick() -> None:
    async def main() -> None:
        model = Model()
        batcher = measured(model)
        assert (await ask(batcher, 2)).tolist() == [2, 2]
        assert model.made_by() == ["MainThread"]
        assert len(await ask(batcher, 17)) == 17
        assert model.made_by() == ["model"]

    asyncio.run(main())


def test_a_model_that_is_slow_or_was_never_measured_is_called_in_its_thread() -> None:
    async def main() -> None:
        for model, batcher in ((slow := Model(0.002), measured(slow)), (new := Model(), Batcher(new, 1000, 1000))):
            await ask(batcher)
            assert model.made_by() == ["model"]

    asyncio.run(main())


def test_a_model_that_turns_slow_goes_to_its_thread_and_one_hiccup_is_forgiven() -> None:
    async def main() -> None:
        model = Model()
        batcher = measured(model)
        for seconds in (0.002, 0, 0.06, 0, 0.06, 0.06):
            model.seconds = seconds
            await ask(batcher)
            assert model.made_by() == ["MainThread"]
        await ask(batcher)
        assert model.made_by() == ["model"]
        model.seconds = 0
        model.now += 60  # a minute later it has another chance
        await ask(batcher)
        assert model.made_by() == ["MainThread"]
        batcher = measured(model)
        model.seconds = 0.002
        for _ in range(4):
            await ask(batcher)
        assert model.made_by(4) == ["MainThread"] * 3 + ["model"]

    asyncio.run(main())


def test_what_the_machine_takes_for_others_is_not_the_models_fault() -> None:
    """When calls are measured, and later; a model that turns slow is seen all the same."""

    async def main() -> None:
        model = Model(others=0.3)
        batcher = measured(model)
        for _ in range(20):
            await ask(batcher)
        assert model.made_by(20) == ["MainThread"] * 20
        model.seconds = 0.002
        for _ in range(3):
            await ask(batcher)
        assert model.made_by() == ["model"]

    asyncio.run(main())


@pytest.mark.parametrize("others", [0, 0.3])
def test_a_model_that_waits_is_slow_though_it_uses_no_processor(others: float) -> None:
    """On a busy machine, too: it would keep the loop waiting."""

    async def main() -> None:
        slow = Model(0.002, others, waits=True)
        await ask(measured(slow))
        assert slow.made_by() == ["model"]
        await alone()
        model = Model(waits=True)
        batcher = measured(model)
        model.seconds, model.others = 0.02, others
        for _ in range(4):
            await ask(batcher)
        assert model.made_by() == ["model"]

    asyncio.run(main())


@pytest.mark.parametrize("waits, made_by", [(True, "MainThread"), (False, "model")])
def test_a_wait_beside_work_of_other_threads_is_not_the_models_fault(waits: bool, made_by: str) -> None:
    """They may have had Python's lock; without them, and where the model itself takes the time, it is."""

    async def main() -> None:
        model, worker, held, begun = Model(waits=True), Worker(), threading.Event(), threading.Event()
        batcher = measured(model)

        def work() -> None:
            begun.set()
            held.wait(30)

        worker.call(work)
        assert begun.wait(30)
        model.seconds, model.waits = 0.02, waits
        for _ in range(5):
            await ask(batcher)
        assert model.made_by() == [made_by]
        held.set()
        await alone()
        for _ in range(4):
            await ask(batcher)
        assert model.made_by() == ["model"]

    asyncio.run(main())


def test_the_processor_that_a_thread_uses_and_loses_is_known() -> None:
    """Where the system says so: two threads that share one processor take it from each other."""
    before = usage()
    until = time.thread_time() + 0.001
    while time.thread_time() < until:
        pass
    assert usage().seconds - before.seconds > 0.0005
    if sys.platform == "linux":
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        mine = os.sched_getaffinity(0)
        try:
            for process in (0, other.pid):
                os.sched_setaffinity(process, {min(mine)})
            while usage().preempted == before.preempted:
                pass
        finally:
            os.sched_setaffinity(0, mine)
            other.kill()
            other.wait()


def test_code_that_runs_a_loop_of_its_own_is_not_called_by_this_one() -> None:
    def predict(X: Any, proba: bool) -> np.ndarray:
        loop = asyncio.new_event_loop()
        loop.call_soon(loop.stop)
        try:
            loop.run_forever()
        finally:
            loop.close()
        answer: np.ndarray = X[:, 0]
        return answer

    batcher = Batcher(predict, 1000, 1000, clock=Model().clock)
    batcher.measure(ROW, False)
    assert asyncio.run(ask(batcher)).tolist() == [1]


def test_requests_that_were_read_together_are_one_call() -> None:
    async def main() -> None:
        model = Model()
        batcher = measured(model)
        await asyncio.gather(*(ask(batcher) for _ in range(8)))
        assert (model.calls, model.made_by()) == ([8], ["MainThread"])

    asyncio.run(main())


def test_labels_and_probabilities_that_alternate_while_the_model_is_busy_are_two_calls() -> None:
    async def main() -> None:
        model = Model()
        batcher = Batcher(model, 1000, 1000)  # not measured: while its thread works, requests gather
        answers = await asyncio.gather(*(ask(batcher, proba=bool(i % 2)) for i in range(400)))
        assert [answer.tolist() for answer in answers] == [[2], [10]] * 200
        assert model.calls == [1, 200, 199]

    asyncio.run(main())


def test_an_error_of_a_quick_call_is_one_requests_matter() -> None:
    def predict(X: Any, proba: bool) -> np.ndarray:
        if (X < 0).any():
            raise SystemExit(3)
        answer: np.ndarray = X[:, 0]
        return answer

    async def main() -> None:
        batcher = Batcher(predict, 1000, 1000, clock=Model().clock)
        batcher.measure(ROW, False)
        asked = (batcher(rows, False) for rows in (ROW, -ROW, ROW))
        good, bad, also = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(bad, ModelFailed)
        assert isinstance(good, np.ndarray) and isinstance(also, np.ndarray)

    asyncio.run(main())
