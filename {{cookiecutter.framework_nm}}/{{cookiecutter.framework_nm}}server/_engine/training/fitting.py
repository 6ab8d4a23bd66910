"""Calling a framework's `fit` with what it takes: all rows, or a part and the rows that are held out to stop early by.

Not here: what `fit` does (trainer/model.py), and which rows are held out (splitting.py).
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from .cores import useful_cores
from .places import HeldOut, Places
from .splitting import Split, hold_out


def fit(model: Places, X: Any, y: np.ndarray, weights: np.ndarray | None, split: Split | None) -> None:
    """Let a model learn from preprocessed input; `weights` are for a `fit` that takes them, and rows are parted by
    chance unless a split is given."""
    takes = inspect.signature(model.fit).parameters
    given: dict[str, Any] = {}
    model.threads = model.threads_asked or useful_cores(int(X.size))
    model.split = split or Split(np.zeros(len(y)) if model.labels is None else y)
    if "valid" in takes:
        rows = hold_out(model.split)
        held = rows.evaluation
        given["valid"] = HeldOut(take(X, held), y[held], None if weights is None else weights[held])
        X, y = take(X, rows.training), y[rows.training]
        weights = None if weights is None else weights[rows.training]
    if weights is not None:
        given["weights"] = weights
    with threadpool_limits(model.threads):
        model.fit(X, y, **given)


def take(X: Any, rows: np.ndarray) -> Any:
    """Some rows of an array or a table."""
    return X[rows] if isinstance(X, np.ndarray) else X.iloc[rows]
