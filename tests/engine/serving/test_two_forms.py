"""Promises of models with two forms: few rows are answered by the compiled one, many by the one that is quicker."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterator

import numpy as np
import pytest
from _engine.artifact import compiled
from _engine.contract.errors import ModelError
from _engine.contract.signature import Column, Signature
from _engine.serving.beside import BESIDE
from _engine.serving.choosing import Choosing
from served import Numbers, serve

ROW = np.ones((1, 1))


class Clock:
    """A clock that calls of the models move on."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Form(Numbers):
    """Answers its own number; a call takes `start` seconds, and `each` for a row."""

    signature = Signature((Column("a", "FP64"),))

    def __init__(self, number: float, clock: Clock, start: float, each: float) -> None:
        super().__init__()
        self.number, self.clock, self.start, self.each = number, clock, start, each
        self.example = ROW
        self.platform = f"form {number:g}"
        self.problem: Exception | None = None

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        self.calls.append(len(X))
        self.clock.now += self.start + len(X) * self.each
        return np.full(len(X), self.number)


class Compiled(Form):
    """Has another form; `loaded` says that it was read."""

    def __init__(self, clock: Clock, native: Form) -> None:
        super().__init__(1.0, clock, 0.0, 1e-5)
        self.own = native
        self.native_from = 64

    def native(self) -> Form:
        if self.own.problem:
            raise self.own.problem
        return self.own


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(compiled, "time", found)
    return found


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO):
        yield caplog


def asked(choosing: Choosing, rows: int) -> float:
    """What so many rows are answered once all that was begun for them is done."""
    choosing.answer(np.repeat(ROW, rows, axis=0), False)
    for thread in threading.enumerate():
        if thread.name == "native":
            thread.join()
    answered: float = choosing.answer(np.repeat(ROW, rows, axis=0), False)[0]
    return answered


def test_few_rows_never_load_the_other_form(clock: Clock) -> None:
    native = Form(2.0, clock, 0.001, 0.0)
    choosing = Choosing(Compiled(clock, native))
    assert [asked(choosing, rows) for rows in (1, 10, 63)] == [1, 1, 1]
    assert not native.calls


def test_many_rows_are_answered_by_the_form_that_is_quicker_here(clock: Clock, told: Any) -> None:
    model = Compiled(clock, Form(2.0, clock, 0.001, 0.0))  # slower with 64 rows, quicker with 256
    choosing = Choosing(model)
    assert [asked(choosing, rows) for rows in (64, 255, 256, 5000, 1)] == [1, 1, 2, 2, 1]
    assert "Calls of 256 rows and more are answered by form 2" in told.text


@pytest.mark.parametrize("start, each", [(0.1, 0.0), (0.0, 0.9e-5)])
def test_a_form_that_is_not_clearly_quicker_here_is_let_go(start: float, each: float, clock: Clock, told: Any) -> None:
    choosing = Choosing(Compiled(clock, Form(2.0, clock, start, each)))
    assert [asked(choosing, rows) for rows in (64, 1024, 2000)] == [1, 1, 1]
    assert "stay with the compiled model" in told.text


def test_a_form_that_saves_no_time_to_speak_of_is_let_go(clock: Clock, told: Any) -> None:
    """Be it twice as quick: it takes memory, and a light model takes a part of what a request does."""
    model = Compiled(clock, Form(2.0, clock, 0.0, 1e-8))
    model.each = 1.5e-7
    choosing = Choosing(model)
    assert [asked(choosing, rows) for rows in (64, 1024)] == [1, 1]
    assert "stay with the compiled model" in told.text


def test_what_loads_is_known_to_those_that_wait_meanwhile(clock: Clock) -> None:
    found: list[int] = []

    class Loading(Compiled):
        def native(self) -> Form:
            found.append(BESIDE.now)
            return super().native()

    asked(Choosing(Loading(clock, Form(2.0, clock, 0.0, 0.0))), 64)
    assert found == [1]


def test_a_form_that_cannot_be_loaded_costs_nobody_an_answer(clock: Clock, told: Any) -> None:
    native = Form(2.0, clock, 0.0, 0.0)
    native.problem = ModelError("model.bin has changed since the model was loaded")
    choosing = Choosing(Compiled(clock, native))
    assert [asked(choosing, 64), asked(choosing, 1024)] == [1, 1]
    assert "stay with the compiled model: model.bin has changed" in told.text


def test_a_server_chooses_by_the_calls_rows(clock: Clock, tmp_path: Path) -> None:
    native = Form(2.0, clock, 0.0, 0.0)
    model = serve(Compiled(clock, native), tmp_path)
    assert not native.calls  # loading asks for many rows, to find out which calls are quick
    predict = model._batcher._predict
    assert asked(SimpleNamespace(answer=predict), 64) == 2  # type: ignore[arg-type]
