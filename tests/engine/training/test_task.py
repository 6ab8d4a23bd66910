"""Promises of the task: labels are told from numbers, and the rows to evaluate on are like those to train on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.tables.reading import DataError
from _engine.training.task import choose_task, prepare_target, split


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes", "no"] * 20, "classification"),
        ([True, False] * 20, "classification"),
        ([0, 1, 2] * 20, "classification"),
        (list(range(21)), "regression"),
        ([0.5, 1.5] * 20, "regression"),
    ],
    ids=["text", "truth values", "few whole numbers", "many numbers", "fractions"],
)
def test_what_is_predicted_decides_the_task(values: list[Any], task: str) -> None:
    assert choose_task("auto", pd.Series(values)) == task
    assert choose_task("regression", pd.Series(values)) == "regression"


@pytest.mark.parametrize(
    ("values", "kind"), [(["a", "b"], "text"), ([1.0, 2.0], "i"), ([True, False], "b"), ([0.5, 1.5], "text")]
)
def test_labels_are_text_whole_numbers_or_truth_values(values: list[Any], kind: str) -> None:
    labels = prepare_target("classification", pd.Series(values))
    assert labels.dtype.kind == kind if kind != "text" else labels.tolist() == [str(value) for value in values]


@pytest.mark.parametrize("value", ["many", np.inf, 1e39])
def test_a_target_that_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match="column 'spent'"):
        prepare_target("regression", pd.Series([1.0, value], name="spent"))


def test_a_split_keeps_the_shares_of_labels_and_the_order_of_rows() -> None:
    X, y = pd.DataFrame({"a": np.arange(100)}), pd.Series(["often"] * 90 + ["seldom"] * 10)
    train_x, eval_x, train_y, eval_y = split(X, y, "classification", 0.2, 0)
    assert (len(train_x), len(eval_x)) == (80, 20)
    assert (train_y == "seldom").sum() == 8
    assert train_x.index.is_monotonic_increasing and eval_x.index.equals(eval_y.index)
    again = split(X, y, "classification", 0.2, 0)
    assert eval_x.equals(again[1])


def test_labels_of_a_single_row_do_not_stop_a_split() -> None:
    X, y = pd.DataFrame({"a": np.arange(10)}), pd.Series([*"aaaaaaaaab"])
    assert len(split(X, y, "classification", 0.2, 0)[1]) == 2
