"""What is to be predicted, numbers or labels, and which rows a model is trained on and which it is evaluated on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ..contract.signature import LARGEST
from ..tables.reading import DataError


def choose_task(task: str, y: pd.Series) -> str:
    """Settle "auto": many different numbers are to be predicted, anything else is to be classified."""
    if task != "auto":
        return task
    numbers = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    whole = numbers and bool((y % 1 == 0).all())
    return "regression" if numbers and (not whole or y.nunique() > 20) else "classification"


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


def split(X: pd.DataFrame, y: pd.Series, task: str, share: float, seed: int) -> list[Any]:
    """Split into X_train, X_eval, y_train, y_eval, each in the order of the data.

    Labels keep their shares in both parts where each has the rows for it.
    """
    several = task == "classification" and y.value_counts().min() > 1
    counted = several and min(share, 1 - share) * len(y) >= y.nunique()
    parts = train_test_split(X, y, test_size=share, random_state=seed, stratify=y if counted else None)
    return [part.sort_index() for part in parts]
