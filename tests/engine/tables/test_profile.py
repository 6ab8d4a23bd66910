"""Promises of what is said of a column: what it is, and what is odd about it, on real tables and made ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Signature
from _engine.tables import profile
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

CHANCE = np.random.default_rng(0)


def described(values: list[Any]) -> tuple[Any, ...]:
    X = pd.DataFrame({"x": values})
    return tuple(profile.describe(Signature.learn(X).columns[0], X["x"], 10))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5, None, 2.5, 2.5], ("x", "number", "2.5", True, 1, 2)),
        ([True, False, True], ("x", "true or false", "True", False, 0, 2)),
        (["pro"] * 10 + ["basic", None], ("x", "text", "pro", True, 1, 2)),
        (["ada@example.com", "bob@example.com"], ("x", "text", "ada@example.com", False, 0, 2)),
        (list(range(5000, 5030)), ("x", "number", "5014", False, 0, 30)),
    ],
    ids=["numbers", "truth values", "categories", "names", "row numbers"],
)
def test_a_column_is_described(values: list[Any], expected: tuple[Any, ...]) -> None:
    """Beside how many rows share the example: what fewer than ten do is for the terminal alone."""
    assert described(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 1], True), (["a", None], False), ([None, None], True), ([1, 2], False)]
)
def test_a_constant_column_is_found(values: list[Any], expected: bool) -> None:
    assert profile.constant(pd.Series(values)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(100), True),
        (range(1000, 2000, 7), True),
        (CHANCE.permutation(100) + 1, True),
        (CHANCE.permutation(1000)[:100], False),
        (CHANCE.normal(size=100), False),
        (np.sort(CHANCE.integers(0, 50, 100)), False),
        (range(19), False),
        ([f"row {n}" for n in range(100)], False),
    ],
)
def test_row_numbers_are_found(values: Any, expected: bool) -> None:
    assert profile.numbers_rows(pd.Series(values)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"user{n}@example.com" for n in range(30)], True),
        ([f"Ada Byron {n}" for n in range(30)], True),
        ([f"It was the best of times, number {n}" for n in range(30)], False),
        (["pro", "basic"] * 15, False),
        ([1.5, 2.5], False),
        ([True, False], False),
    ],
)
def test_names_of_rows_are_found_and_texts_are_none(values: list[Any], expected: bool) -> None:
    assert profile.names_rows(pd.Series(values)) is expected


LABELS = pd.Series(CHANCE.choice(["yes", "no", "perhaps"], 200))
NUMBERS = pd.Series(CHANCE.normal(size=200))
CHURNED = LABELS == "yes"


@pytest.mark.parametrize(
    ("values", "y"),
    [
        (LABELS.map({"yes": 3, "no": 1, "perhaps": 2}), LABELS),
        (LABELS.map({"yes": "y", "no": "n", "perhaps": None}), LABELS),
        (LABELS + pd.Series(CHANCE.choice(["1", "2"], 200)), LABELS),
        (pd.Series([f"2024-{n}" for n in range(200)]).where(CHURNED), CHURNED),
        (pd.Series(CHANCE.random(200)) + LABELS.map({"yes": 3, "no": 1, "perhaps": 2}), LABELS),
        (NUMBERS * 1.8 + 32, NUMBERS),
        (-NUMBERS.where(np.arange(200) % 9 > 0), NUMBERS),
    ],
    ids=["code", "code with a missing value", "finer code", "date of it", "range of its own", "unit", "sign"],
)
def test_a_column_that_gives_the_target_away_is_found(values: pd.Series, y: pd.Series) -> None:
    assert profile.gives_away(values, y)


@pytest.mark.parametrize(
    ("values", "y"),
    [
        (pd.Series([f"user{n}" for n in range(200)]), LABELS),
        (pd.Series(np.arange(200)), LABELS),
        (NUMBERS + CHANCE.normal(size=200) * 0.1, NUMBERS),
        (pd.Series(CHANCE.choice(["a", "b"], 200)), LABELS),
        (pd.Series(CHANCE.normal(size=200)), CHURNED),
        (LABELS.map({"yes": 3, "no": 1, "perhaps": 2})[:10], LABELS[:10]),
        (pd.Series(["same"] * 200), LABELS),
        (pd.Series([f"town {n // 3}" for n in range(199)] + ["elsewhere"]), pd.Series(["no"] * 199 + ["yes"])),
    ],
    ids=[
        "names",
        "row numbers",
        "a good column",
        "chance",
        "noise",
        "too few rows",
        "constant",
        "a rare label in a rare town",
    ],
)
def test_other_columns_are_not_accused(values: pd.Series, y: pd.Series) -> None:
    assert not profile.gives_away(values, y)


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes, load_iris, load_wine])
def test_real_tables_have_no_such_columns(load: Any) -> None:
    data = load(as_frame=True)
    for name in data.data:
        column = data.data[name]
        found = (profile.constant(column), profile.numbers_rows(column), profile.names_rows(column))
        assert (*found, profile.gives_away(column, data.target)) == (False,) * 4
