"""Promises of the batcher: rows never cross requests, nobody waits for nothing, and errors stay where they arose."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Any, Type

import numpy as np
import pandas as pd
import pytest
from _engine.serving.batching import Batcher, ModelFailed, Overloaded


class Gated:
    """A model that doubles its input, calls counted, and held up until its gate is opened."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.calls: list[int] = []

    def __call__(self, X: Any, proba: bool) -> np.ndarray:
        self.gate.wait(10)
        self.calls.append(len(X))
        values = np.asarray(X)[:, 0]
        if (values < 0).any():
            raise ValueError("negative")
        return values * (10 if proba else 2)


class Panic(BaseException):
    """What compiled code raises where it gives up, such as Rust's."""


async def opened(model: Gated, jobs: list[asyncio.Task[np.ndarray]]) -> list[Any]:
    await asyncio.sleep(0.05)  # all jobs are waiting now, the first one in the model
    model.gate.set()
    return await asyncio.gather(*jobs, return_exceptions=True)


def rows(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_requests_that_wait_run_as_one_call_and_each_gets_its_own_rows() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 100)
        inputs = [rows(*range(i, 2 * i)) for i in range(1, 6)]
        results = await opened(model, [asyncio.create_task(batcher(X, False)) for X in inputs])
        for X, result in zip(inputs, results):
            np.testing.assert_array_equal(result, X[:, 0] * 2)
        assert model.calls == [1, 2 + 3 + 4 + 5]

    asyncio.run(main())


def test_calls_are_reported_with_the_time_that_requests_waited() -> None:
    async def main() -> None:
        model = Gated()
        calls: list[tuple[int, list[float]]] = []
        batcher = Batcher(model, 100, 100, lambda rows, waited: calls.append((rows, waited)))
        await opened(model, [asyncio.create_task(batcher(rows(1), False)) for _ in range(3)])
        assert [(rows, len(waited)) for rows, waited in calls] == [(1, 1), (2, 2)]
        assert min(calls[1][1]) > calls[0][1][0]

    asyncio.run(main())


def test_tables_are_batched_too() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 100)
        inputs = [pd.DataFrame({"a": [float(i)]}) for i in range(4)]
        results = await opened(model, [asyncio.create_task(batcher(X, False)) for X in inputs])
        assert [result.tolist() for result in results] == [[0.0], [2.0], [4.0], [6.0]]
        assert model.calls == [1, 3]

    asyncio.run(main())


def test_labels_and_probabilities_are_not_mixed() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 100)
        jobs = [asyncio.create_task(batcher(rows(1), proba)) for proba in (False, False, True, False)]
        assert [result.tolist() for result in await opened(model, jobs)] == [[2], [2], [10], [2]]

    asyncio.run(main())


def test_an_error_reaches_only_the_request_that_caused_it() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 100)
        jobs = [asyncio.create_task(batcher(rows(value), False)) for value in (1, 2, -1, 3)]
        results = await opened(model, jobs)
        assert [type(result) for result in results] == [np.ndarray, np.ndarray, ModelFailed, np.ndarray]
        assert isinstance(results[2].__cause__, ValueError)

    asyncio.run(main())


@pytest.mark.parametrize(
    "error", [StopIteration, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, Overloaded, Panic]
)
def test_what_others_take_for_their_own_reaches_the_request_that_caused_it(error: Type[BaseException]) -> None:
    """Put together with others, alone, and again; all that come later are answered."""

    def predict(X: Any, proba: bool) -> np.ndarray:
        time.sleep(0.01)
        if (X < 0).any():
            raise error
        return X[:, 0]

    async def main() -> None:
        batcher = Batcher(predict, 100, 100)
        jobs = [asyncio.create_task(batcher(rows(value), False)) for value in (1, 2, -1, 3, -1)]
        results: list[Any] = await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 30)
        assert [type(result) for result in results] == [np.ndarray, np.ndarray, ModelFailed, np.ndarray, ModelFailed]
        assert isinstance(results[2].__cause__, error)
        with pytest.raises(ModelFailed, match=error.__name__):
            await asyncio.wait_for(batcher(rows(-1), False), 30)
        assert (await asyncio.wait_for(batcher(rows(4), False), 30)).tolist() == [4]

    asyncio.run(main())


def test_an_error_in_counting_costs_nobody_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    def fail(rows: int, waited: list[float]) -> None:
        raise ValueError

    async def main() -> None:
        batcher = Batcher(lambda X, proba: X[:, 0], 100, 100, fail)
        for value in (1, 2):
            assert (await asyncio.wait_for(batcher(rows(value), False), 30)).tolist() == [value]

    asyncio.run(main())
    assert "could not be counted" in caplog.text


async def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_a_call_that_does_not_return_is_noticed_until_it_does() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 100, stuck_seconds=0.05)
        assert not batcher.stuck
        job = asyncio.create_task(batcher(rows(1), False))
        await until(lambda: batcher.stuck)
        assert "--stuck_seconds" in batcher.stuck
        model.gate.set()
        await job
        assert not batcher.stuck

    asyncio.run(main())


def test_a_thread_that_ended_is_noticed() -> None:
    async def main() -> None:
        batcher = Batcher(lambda X, proba: X[:, 0], 100, 100)
        await batcher(rows(1), False)
        batcher._worker._calls.put(None)
        await until(lambda: batcher.stuck)
        assert "ended" in batcher.stuck

    asyncio.run(main())


def test_a_batcher_that_is_replaced_leaves_no_thread() -> None:
    before = set(threading.enumerate())

    async def main() -> None:
        batcher = Batcher(lambda X, proba: X[:, 0], 100, 100)
        await batcher(rows(1), False)
        assert set(threading.enumerate()) - before
        del batcher
        gc.collect()
        await until(lambda: set(threading.enumerate()) <= before)

    asyncio.run(main())


def test_a_call_is_no_larger_than_it_may_be() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 3, 100)
        jobs = [asyncio.create_task(batcher(rows(*range(size)), False)) for size in (1, 2, 2, 7, 1)]
        results = await opened(model, jobs)
        assert [len(result) for result in results] == [1, 2, 2, 7, 1]
        assert model.calls == [1, 2, 2, 7, 1]

    asyncio.run(main())


def test_a_full_queue_refuses_and_recovers() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 2)
        jobs = [asyncio.create_task(batcher(rows(1), False)) for _ in range(5)]
        results = await opened(model, jobs)
        assert [isinstance(result, Overloaded) for result in results] == [False, False, False, True, True]
        assert (await batcher(rows(4), False)).tolist() == [8]

    asyncio.run(main())


def test_a_cancelled_request_costs_the_others_nothing() -> None:
    async def main() -> None:
        model = Gated()
        batcher = Batcher(model, 100, 100)
        jobs = [asyncio.create_task(batcher(rows(i), False)) for i in range(4)]
        await asyncio.sleep(0.05)
        jobs[0].cancel()
        jobs[2].cancel()
        results = await opened(model, jobs)
        assert [result.tolist() for result in results[1::2]] == [[2], [6]]
        assert sum(model.calls) == 3

    asyncio.run(main())


def test_a_model_that_loses_rows_is_an_error_and_not_somebody_elses_answer() -> None:
    async def main() -> None:
        batcher = Batcher(lambda X, proba: np.zeros(1), 100, 100)
        with pytest.raises(ModelFailed) as failed:
            await batcher(rows(1, 2), False)
        assert "answered 2 rows" in str(failed.value.__cause__)

    asyncio.run(main())
