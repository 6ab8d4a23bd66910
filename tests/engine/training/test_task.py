"""Promises of the task: labels are told from numbers, and what cannot be learnt is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.tables.reading import DataError
from _engine.training.task import check_target, choose_task, prepare_target


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes", "no"] * 20, "classification"),
        ([True, False] * 20, "classification"),
        ([0, 1, 2] * 20, "classification"),
        (list(range(10)) * 20, "classification"),
        (np.random.default_rng(0).poisson(4, 500), "regression"),
        (list(range(21)), "regression"),
        ([0.5, 1.5] * 20, "regression"),
    ],
    ids=["text", "truth values", "few whole numbers", "digits", "counts", "many numbers", "fractions"],
)
def test_what_is_predicted_decides_the_task(values: Any, task: str) -> None:
    assert choose_task("auto", pd.Series(values)).name == task
    assert choose_task("regression", pd.Series(values)).name == "regression"


@pytest.mark.parametrize(
    ("task", "values", "why"),
    [
        ("auto", ["yes", "no"], "because its values are not numbers"),
        (
            "auto",
            [0, 1, 2],
            "because it has 3 different whole numbers (if you want to predict numbers, use --task regression)",
        ),
        (
            "auto",
            range(15),
            "because it has 15 different whole numbers (if they are labels, use --task classification)",
        ),
        ("auto", [0.5, 1.5], "because it has numbers with fractions"),
        ("regression", [1, 2], "as --task says"),
    ],
)
def test_it_is_said_why(task: str, values: Any, why: str) -> None:
    assert choose_task(task, pd.Series(values)).why == why


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


@pytest.mark.parametrize(
    ("task", "values", "threshold", "complaint"),
    [
        (
            "classification",
            [f"u{row}" for row in range(9)] + ["u0"],
            None,
            "column 'y' has labels that no other row has in 8 of 10 rows, .*: name another column with --target$",
        ),
        ("classification", range(10), None, "--target, or predict numbers with --task regression"),
        ("classification", ["a"] * 10, None, "column 'y' has the same value in every row"),
        ("regression", [3.0] * 10, None, "column 'y' has the same value in every row"),
        ("regression", range(10), 0.5, "--threshold needs a target with two labels, but column 'y' is predicted as"),
        (
            "classification",
            ["a", "b", "c"] * 3,
            0.5,
            "--threshold needs a target with two labels, but column 'y' has 3",
        ),
        (
            "classification",
            ["a"] * 10,
            0.5,
            "nothing to learn; --threshold needs a target with two labels, but column 'y' has 1",
        ),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused(
    task: str, values: Any, threshold: float | None, complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint):
        check_target(task, pd.Series(values, name="y"), threshold)


def test_a_few_labels_of_a_single_row_are_none_to_refuse() -> None:
    check_target("classification", pd.Series([*"aaabbbcd"]))
    check_target("classification", pd.Series([*"aabb"]), 0.5)
