"""What `fit` is given: all rows, or a part and the rows held out, with their weights; and on how many threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.training import fitting
from _engine.training.cores import available_cores, useful_cores
from _engine.training.fitting import fit
from _engine.training.places import HeldOut, Places
from _engine.training.splitting import choose_split

Y = np.array(["a", "b"] * 50)
WEIGHTS = np.arange(100.0)


class Taking(Places):
    """Keeps what it is given."""

    threads_asked: int | None = None
    labels = np.array(["a", "b"])
    given: Any

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None = None, weights: Any = None) -> None:
        self.given = (X, y, valid, weights)


class Stopping(Places):
    """Stops early after seven rounds; keeps what it is given each time."""

    threads_asked: int | None = None
    labels = np.array(["a", "b"])

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.given: list[Any] = []

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None, weights: Any = None) -> None:
        self.given.append((len(X), len(y), len(weights), valid and len(valid.X), self.kept))
        self.notes.append("this decided")
        if valid:
            self.note_kept(7, 500, "rounds")


class Quick(Stopping):
    """Stops after 7, 8, 9, 10 and 14 rounds, as other rows are held out."""

    QUICK = True

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None, weights: Any = None) -> None:
        self.given.append((None if valid is None else set(valid.X[:, 0]), self.kept))
        if valid:
            assert not set(X[:, 0]) & set(valid.X[:, 0])
            self.note_kept((7, 8, 9, 10, 14)[len(self.given) - 1], 500, "rounds")


class TakingAll(Taking):
    def fit(self, X: Any, y: np.ndarray, weights: Any = None) -> None:  # type: ignore[override]
        self.given = (X, y, None, weights)


def table() -> pd.DataFrame:
    return pd.DataFrame({"row": np.arange(100), "shop": np.repeat(np.arange(10), 10)})


@pytest.mark.parametrize("X", [table(), table().to_numpy(np.float64)], ids=["table", "array"])
def test_a_fifth_of_the_rows_is_held_out_with_labels_and_weights_of_its_own(X: Any) -> None:
    model = Taking()
    fit(model, X, Y, WEIGHTS, None)
    given, y, valid, weights = model.given
    assert (len(given), len(valid.X)) == (80, 20)
    for part, labels, weighed in ((given, y, weights), (valid.X, valid.y, valid.weights)):
        rows = np.asarray(part)[:, 0].astype(int)
        np.testing.assert_array_equal(labels, Y[rows])
        np.testing.assert_array_equal(weighed, WEIGHTS[rows])
        assert set(labels) == {"a", "b"}
    assert not set(np.asarray(given)[:, 0]) & set(np.asarray(valid.X)[:, 0])


def test_a_framework_that_does_not_stop_early_learns_from_all_rows() -> None:
    model = TakingAll()
    fit(model, table(), Y, None, None)
    assert len(model.given[0]) == 100


def test_held_out_rows_are_learnt_from_in_the_end_for_as_many_rounds() -> None:
    model = Stopping()
    for _ in range(2):  # nothing stays of an earlier training
        model.notes, model.given = [], []
        fit(model, table(), Y, WEIGHTS, None)
        assert model.given == [(80, 80, 80, 20, None), (100, 100, 100, None, 7)]
        assert model.notes == [
            "7 of at most 500 rounds are kept: by then, held-out rows were predicted best; the model is then trained "
            "on all 100 rows for as many",
            "this decided",
        ]


def test_of_few_rows_each_fifth_says_when_a_quick_learner_stops() -> None:
    model = Quick()
    fit(model, table().to_numpy(np.float64), Y, None, None)
    *turns, last = model.given
    assert [kept for _, kept in turns] == [None] * 5
    assert sorted(row for held, _ in turns for row in held) == list(range(100))
    assert last == (None, 10)
    assert model.notes == [
        "10 of at most 500 rounds are kept: by then, on average, each of 5 parts held out in turn was predicted best; "
        "the model is then trained on all 100 rows for as many"
    ]


@pytest.mark.parametrize("why", ["many rows", "few groups", "time"])
def test_a_quick_learner_stops_by_one_part_where_there_are_no_five(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """Of times none: an early part has few rows before it."""
    if why == "many rows":
        monkeypatch.setattr(fitting, "FEWER", 99)
    X = table().assign(side=[0, 1, 2, 3] * 25)
    columns = {"many rows": (None, None), "few groups": ("side", None), "time": (None, "shop")}[why]
    model = Quick()
    fit(model, X.to_numpy(np.float64), Y, None, choose_split(X, Y, *columns))
    assert [kept for _, kept in model.given] == [None, 7]


def test_a_large_table_is_learnt_from_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "FEW", 99)
    model = Stopping()
    fit(model, table(), Y, WEIGHTS, None)
    assert model.given == [(80, 80, 80, 20, None)]
    assert model.notes == [
        "7 of at most 500 rounds are kept: by then, held-out rows were predicted best",
        "this decided",
    ]


@pytest.mark.parametrize("option", ["group", "time"])
def test_rows_are_held_out_as_evaluation_rows_are(option: str) -> None:
    """No shop is on both sides, and what is held out is later than what is learnt from."""
    X = table()
    model = Taking()
    fit(model, X, Y, None, choose_split(X, Y, *(("shop", None) if option == "group" else (None, "shop"))))
    given, _, valid, _ = model.given
    assert not set(given["shop"]) & set(valid.X["shop"])
    assert option == "group" or given["shop"].max() < valid.X["shop"].min()


def test_of_too_few_rows_none_is_held_back() -> None:
    model = Taking()
    fit(model, np.zeros((2, 1)), np.array(["a", "b"]), None, None)
    given, _, valid, _ = model.given
    assert len(given) == len(valid.X) == 2


@pytest.mark.parametrize(("limit", "cores"), [("150000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_a_containers_limit_of_cores_is_kept(tmp_path: Path, limit: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    free = available_cores(tmp_path / "none")
    assert available_cores(tmp_path) == (min(cores, free) if cores else free)


@pytest.mark.parametrize(("numbers", "threads"), [(4_366 * 85, 1), (1_000_000, 3), (10_000_000, 8)])
def test_a_small_table_is_learnt_from_on_one_thread(
    monkeypatch: pytest.MonkeyPatch, numbers: int, threads: int
) -> None:
    monkeypatch.setattr("_engine.training.cores.available_cores", lambda: 8)
    assert useful_cores(numbers) == threads
