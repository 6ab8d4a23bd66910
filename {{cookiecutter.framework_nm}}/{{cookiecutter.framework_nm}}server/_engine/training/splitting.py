"""Which rows a model is trained on, and which it is evaluated on: by chance, by group, or by time.

Not here: what is learnt from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, TimeSeriesSplit

from ..tables.reading import DataError


class Rows(NamedTuple):
    """The positions of the rows to train on, and of those to evaluate on, both in the order of the data."""

    training: np.ndarray
    evaluation: np.ndarray


class Split:
    """By chance; `values` has the label of each row, or one value for all where numbers are predicted.

    Labels keep their shares on both sides. A label that has a single row is trained on.
    """

    #: What is told apart, and how many of these folds need before the first one.
    WHAT = "rows that share their label with another row"
    BEFORE = 0

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def of(self, rows: np.ndarray) -> Split:
        """The split of some of the rows."""
        return type(self)(self.values[rows])

    def once(self, share: float, seed: int) -> Rows:
        """Keep about that share of the rows, or of the groups, for evaluation. Raises DataError where there are too
        few."""
        self._check(2, "evaluation")
        return self._once(share, seed)

    def folds(self, number: int, seed: int) -> list[Rows]:
        """So many parts of the rows to evaluate on, one after another. Raises DataError where there are too few."""
        self._check(number + self.BEFORE, f"--folds {number}")
        return list(self._folds(number, seed))

    def _check(self, needed: int, purpose: str) -> None:
        if self._found() < needed:
            raise DataError(f"there are {self._found()} {self.WHAT}, but {purpose} needs {needed}")

    def _found(self) -> int:
        return len(self._order(0))

    def _once(self, share: float, seed: int) -> Rows:
        order = self._order(seed)
        count = min(_count(share, len(self.values)), len(order))
        evaluation = order[((np.arange(count) + 0.5) * len(order) / count).astype(int)]
        # Of each label, one row at least is trained on.
        left = np.setdiff1d(order, evaluation)
        lost = ~np.isin(self.values[evaluation], self.values[left])
        _, firsts = np.unique(self.values[evaluation][lost], return_index=True)
        return _rows(np.delete(evaluation, np.flatnonzero(lost)[firsts]), len(self.values))

    def _folds(self, number: int, seed: int) -> Iterator[Rows]:
        order = self._order(seed)
        for fold in range(number):
            yield _rows(order[fold::number], len(self.values))

    def _order(self, seed: int) -> np.ndarray:
        """The rows of labels that have more than one, label by label, each label's in random order."""
        _, labels, counts = np.unique(self.values, return_inverse=True, return_counts=True)
        order = np.lexsort((np.random.default_rng(seed).random(len(labels)), labels))
        return order[counts[labels[order]] > 1]


class GroupSplit(Split):
    """By chance, the rows of a group together; `values` has the group of each row."""

    WHAT = "groups"

    def _found(self) -> int:
        return len(np.unique(self.values))

    def _once(self, share: float, seed: int) -> Rows:
        count = _count(share, self._found())
        parts = GroupShuffleSplit(1, test_size=count, random_state=seed).split(self.values, groups=self.values)
        return Rows(*next(parts))

    def _folds(self, number: int, seed: int) -> Iterator[Rows]:
        return (Rows(*parts) for parts in GroupKFold(number).split(self.values, groups=self.values))


class TimeSplit(GroupSplit):
    """The earlier rows for training, the later ones for evaluation; `values` has the time of each row."""

    WHAT = "times"
    BEFORE = 1

    def _once(self, share: float, seed: int) -> Rows:
        times = np.sort(self.values)
        first = times[len(times) - _count(share, len(times))]
        later = self.values >= first if first > times[0] else self.values > first
        return _rows(np.flatnonzero(later), len(times))

    def _folds(self, number: int, seed: int) -> Iterator[Rows]:
        times, at = np.unique(self.values, return_inverse=True)
        for before, then in TimeSeriesSplit(number).split(times):
            yield Rows(np.flatnonzero(at <= before[-1]), np.flatnonzero(np.isin(at, then)))


def hold_out(split: Split, turns: int) -> list[Rows]:
    """A fifth of the rows to stop training early by, and the others; or so many parts in turn, and the others of each,
    but not where time parts them, as the first parts have few before them. All rows as both where there are too few."""
    with suppress(DataError):
        if turns > 1 and not isinstance(split, TimeSplit):
            return split.folds(turns, 0)
    with suppress(DataError):
        rows = split.once(0.2, 0)
        if len(rows.training) and len(rows.evaluation):
            return [rows]
    everything = np.arange(len(split.values))
    return [Rows(everything, everything)]


def choose_split(X: pd.DataFrame, labels: np.ndarray, group: str | None, time: str | None) -> Split:
    """The split of rows that have these labels, or equal values, by a column of X where one is named.

    Raises DataError where there is no such column, or a row without a value in it.
    """
    name = group or time
    if name is None:
        return Split(labels)
    option = "--group" if group else "--time"
    if name not in X:
        raise DataError(f"{option}: no column is called {name!r} here; there are {', '.join(map(repr, X.columns))}")
    column = X[name]
    values = column if group else _times(column)
    unknown = np.flatnonzero(values.isna())
    if len(unknown):
        rows = ", ".join(str(row + 1) for row in X.index[unknown[:5]])
        raise DataError(
            f"{option}: column {name!r} has no {'group' if group else 'time'} in {len(unknown)} rows (row {rows}; the "
            f"first row of data is row 1){'' if group else ': expected numbers, or dates such as 2024-05-31'}"
        )
    return GroupSplit(pd.factorize(values)[0]) if group else TimeSplit(values.to_numpy())


def _times(column: pd.Series) -> pd.Series:
    """Numbers as they are, and ISO 8601's dates as such; what is neither is missing."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(np.float64)
    return pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)


def _count(share: float, total: int) -> int:
    """How many a share of so many is, of which one at least is left."""
    return min(math.ceil(share * total), total - 1)


def _rows(evaluation: np.ndarray, total: int) -> Rows:
    evaluation = np.sort(evaluation)
    return Rows(np.setdiff1d(np.arange(total), evaluation), evaluation)
