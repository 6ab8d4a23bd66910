"""Calling a framework's `fit` with what it takes: all rows, or a part and the rows that are held out to stop early by,
and then all rows.

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

#: Tables of more rows are learnt from once: without those held out, their models are hardly worse.
FEW = 10_000


def fit(model: Places, X: Any, y: np.ndarray, weights: np.ndarray | None, split: Split | None) -> None:
    """Let a model learn from preprocessed input; `weights` are for a `fit` that takes them, and rows are parted by
    chance unless a split is given. Of a table with FEW rows, those held out are learnt from in the end, too."""
    everything = HeldOut(X, y, weights)
    model.kept, model.kept_note = None, ""
    model.threads = model.threads_asked or useful_cores(int(X.size))
    model.split = split or Split(np.zeros(len(y)) if model.labels is None else y)
    with threadpool_limits(model.threads):
        if "valid" not in inspect.signature(model.fit).parameters:
            _fit(model, everything)
            return
        rows = hold_out(model.split)
        _fit(model, _part(everything, rows.training), valid=_part(everything, rows.evaluation))
        told = model.kept_note
        if model.kept and len(y) <= FEW:
            told += f"; the model is then trained on all {len(y)} rows for as many"
            model.notes = []
            _fit(model, everything, valid=None)
    if told:
        model.notes.insert(0, told)


def _fit(model: Places, rows: HeldOut, **valid: HeldOut | None) -> None:
    weights = {} if rows.weights is None else {"weights": rows.weights}
    model.fit(rows.X, rows.y, **valid, **weights)


def _part(rows: HeldOut, which: np.ndarray) -> HeldOut:
    return HeldOut(take(rows.X, which), rows.y[which], None if rows.weights is None else rows.weights[which])


def take(X: Any, rows: np.ndarray) -> Any:
    """Some rows of an array or a table."""
    return X[rows] if isinstance(X, np.ndarray) else X.iloc[rows]
