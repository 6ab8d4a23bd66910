"""Promises of splits: no row is on both sides, and what must not be mixed is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.tables.reading import DataError
from _engine.training.splitting import GroupSplit, Rows, Split, TimeSplit, choose_split

#: Labels of many rows and of few, in no order.
LABELS = np.array(["often"] * 70 + ["seldom"] * 20 + ["thrice"] * 3 + ["twice"] * 2 + ["once"])[
    np.random.default_rng(0).permutation(96)
]


def parts(split: Split, seed: int = 0) -> list[Rows]:
    return [*(split.once(share, seed) for share in (0.01, 0.2, 0.5, 0.95)), *split.folds(3, seed)]


@pytest.mark.parametrize(
    "split", [Split(LABELS), Split(np.zeros(96)), GroupSplit(np.arange(96) // 5), TimeSplit(np.arange(96) // 5)]
)
def test_each_row_is_on_one_side_in_the_order_of_the_data(split: Split) -> None:
    for rows in parts(split):
        assert len(rows.training) > 0
        assert len(rows.evaluation) > 0
        assert not set(rows.training) & set(rows.evaluation)
        for side in rows:
            assert (np.diff(side) > 0).all()
    training, evaluation = split.once(0.2, 0)
    assert len(training) + len(evaluation) == 96
    assert 16 <= len(evaluation) <= 24


def test_labels_keep_their_shares_however_rare_others_are() -> None:
    rows = Split(LABELS).once(0.2, 0)
    found = pd.Series(LABELS[rows.evaluation]).value_counts()
    assert (abs(found["often"] - 14.7) <= 1, abs(found["seldom"] - 4.2) <= 1) == (True, True)
    folds = [pd.Series(LABELS[rows.evaluation]).value_counts() for rows in Split(LABELS).folds(5, 0)]
    assert {counts["often"] for counts in folds} == {14}
    assert {counts["seldom"] for counts in folds} == {4}


@pytest.mark.parametrize("seed", range(20))
def test_every_label_is_trained_on(seed: int) -> None:
    """One of a single row, too; and it is no error."""
    for rows in parts(Split(LABELS), seed):
        assert set(LABELS[rows.training]) == set(LABELS)


def test_folds_evaluate_on_each_row_of_a_label_that_has_several_once() -> None:
    seen = np.concatenate([rows.evaluation for rows in Split(LABELS).folds(4, 0)])
    assert sorted(seen) == np.flatnonzero(LABELS != "once").tolist()


def test_the_seed_decides_which_rows() -> None:
    for values in (LABELS, np.zeros(96)):
        first, again, other = (Split(values).once(0.2, seed).evaluation.tolist() for seed in (0, 0, 1))
        assert first == again != other


def test_rows_of_a_group_stay_together() -> None:
    groups = np.random.default_rng(0).integers(0, 12, 96)
    for rows in parts(GroupSplit(groups)):
        assert not set(groups[rows.training]) & set(groups[rows.evaluation])


@pytest.mark.parametrize("times", [np.arange(96) // 4, np.random.default_rng(0).permutation(96), [0] * 90 + [1] * 6])
def test_the_latest_rows_are_evaluated_on(times: Any) -> None:
    """Those of one time are on one side."""
    times = np.asarray(times)
    split = TimeSplit(times)
    for rows in [split.once(0.2, 0)] if len(set(times)) == 2 else parts(split):
        assert times[rows.training].max() < times[rows.evaluation].min()


def test_some_rows_are_split_as_all_are() -> None:
    groups = np.arange(96) % 8
    some = np.flatnonzero(groups < 4)
    rows = GroupSplit(groups).of(some).once(0.25, 0)
    assert len(set(groups[some][rows.evaluation])) == 1


TABLE = pd.DataFrame(
    {
        "shop": ["a", "b", "c", None, "d"],
        "day": ["2024-01-02", "2024-01-01", "2023-12-31T10:00:00+01:00", "2024-02-01", "yesterday"],
        "hour": [1.5, 2, 3, 4, np.nan],
    }
)


def test_a_split_by_a_column_is_by_its_groups_or_times() -> None:
    table, labels = TABLE.iloc[:3], np.zeros(3)
    assert type(choose_split(table, labels, None, None)) is Split
    assert choose_split(table, labels, "shop", None).once(0.3, 0).training.tolist() != []
    assert choose_split(table, labels, None, "day").once(0.3, 0).evaluation.tolist() == [0]
    assert choose_split(table, labels, None, "hour").once(0.3, 0).evaluation.tolist() == [2]


@pytest.mark.parametrize(
    ("group", "time", "complaint"),
    [
        ("shop", None, r"--group: column 'shop' has no group in 1 rows \(row 4; the first row of data is row 1\)"),
        (None, "day", r"--time: column 'day' has no time in 1 rows \(row 5; .*: expected numbers, or dates such as"),
        (None, "hour", "column 'hour' has no time in 1 rows"),
        ("shops", None, "--group: no column is called 'shops' here; there are 'shop', 'day', 'hour'"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_named(group: str | None, time: str | None, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        choose_split(TABLE, np.zeros(5), group, time)


@pytest.mark.parametrize(
    ("split", "complaint"),
    [
        (GroupSplit(np.zeros(9)), "there are 1 groups, but evaluation needs 2"),
        (TimeSplit(np.zeros(9)), "there are 1 times, but evaluation needs 2"),
        (Split(np.arange(9)), "there are 0 rows that share their label with another row, but evaluation needs 2"),
    ],
)
def test_too_little_to_split_is_said(split: Split, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        split.once(0.2, 0)


@pytest.mark.parametrize(
    ("split", "complaint"),
    [
        (GroupSplit(np.arange(9) // 2), "there are 5 groups, but --folds 6 needs 6"),
        (TimeSplit(np.arange(6)), "there are 6 times, but --folds 6 needs 7"),
        (Split(np.zeros(5)), "there are 5 rows .*, but --folds 6 needs 6"),
    ],
)
def test_too_many_folds_are_refused(split: Split, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        split.folds(6, 0)
