"""What is to be predicted, numbers or labels, and whether it can be learnt. Not here: which rows it is learnt from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..contract.signature import LARGEST
from ..tables.reading import DataError

#: Whole numbers with more values than these are counted or measured; fewer may be codes of something.
MOST_CODES = 10


class Task(NamedTuple):
    """ "classification" or "regression", and why, as the end of a sentence, with the option that says otherwise."""

    name: str
    why: str


def choose_task(task: str, y: pd.Series) -> Task:
    """Settle "auto": numbers with many values are to be predicted, anything else is to be classified."""
    if task != "auto":
        return Task(task, "as --task says")
    if not pd.api.types.is_numeric_dtype(y) or pd.api.types.is_bool_dtype(y):
        return Task("classification", "because its values are not numbers")
    if not (y % 1 == 0).all():
        return Task("regression", "because it has numbers with fractions")
    whole = f"because it has {y.nunique()} different whole numbers"
    if y.nunique() > MOST_CODES:
        return Task("regression", f"{whole} (if they are labels, use --task classification)")
    return Task("classification", f"{whole} (if you want to predict numbers, use --task regression)")


def prepare_target(task: str, y: pd.Series) -> pd.Series:
    """Labels as bool, int or str; numbers as float64. Raises DataError for a regression of other values."""
    if task == "regression":
        try:
            numbers = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"column {y.name!r} must hold numbers only: {error}") from error
        if not (numbers.abs() <= LARGEST).all():
            raise DataError(f"column {y.name!r} has infinite numbers, or numbers larger than {LARGEST:.1e}")
        return numbers
    if pd.api.types.is_bool_dtype(y) or all(isinstance(value, bool) for value in y):
        return y.astype(bool)
    if pd.api.types.is_numeric_dtype(y) and (y % 1 == 0).all() and (y.astype(np.float64).abs() < 2**63).all():
        return y.astype(np.int64)
    return y.astype(str)


def check_target(task: str, y: pd.Series, threshold: float | None = None) -> None:
    """Raise DataError where a target cannot be learnt, or where its labels are not the two that a threshold needs."""
    counts = y.value_counts()
    problems = []
    if len(counts) == 1:
        problems.append(f"column {y.name!r} has the same value in every row: there is nothing to learn")
    elif task == "classification" and (counts == 1).sum() > len(y) / 2:
        number = "" if not pd.api.types.is_numeric_dtype(y) else ", or predict numbers with --task regression"
        problems.append(
            f"column {y.name!r} has labels that no other row has in {(counts == 1).sum()} of {len(y)} rows, but each "
            f"label needs several rows: name another column with --target{number}"
        )
    if threshold is not None and task != "classification":
        problems.append(f"--threshold needs a target with two labels, but column {y.name!r} is predicted as numbers")
    elif threshold is not None and len(counts) != 2:
        problems.append(f"--threshold needs a target with two labels, but column {y.name!r} has {len(counts)}")
    if problems:
        raise DataError("; ".join(problems))
