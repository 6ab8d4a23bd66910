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
#: Of so few rows a fifth says little about when to stop, so that where training is quick, each fifth does in turn.
FEWER, TURNS = 1_000, 5


def fit(model: Places, X: Any, y: np.ndarray, weights: np.ndarray | None, split: Split | None) -> None:
    """Let a model learn from preprocessed input; `weights` are for a `fit` that takes them, and rows are parted by
    chance unless a split is given. Of a table with FEW rows, those held out are learnt from in the end, too."""
    everything = HeldOut(X, y, weights)
    model.kept = None
    model.threads = model.threads_asked or useful_cores(int(X.size))
    model.split = split or Split(np.zeros(len(y)) if model.labels is None else y)
    with threadpool_limits(model.threads):
        if "valid" not in inspect.signature(model.fit).parameters:
            _fit(model, everything)
            return
        told = _stop_early(model, everything)
        if model.kept and len(y) <= FEW:
            told += f"; the model is then trained on all {len(y)} rows for as many"
            model.notes = []
            _fit(model, everything, valid=None)
    if model.kept:
        model.notes.insert(0, told)


def _stop_early(model: Places, rows: HeldOut) -> str:
    """Train on a part of the rows, and stop where the others say; returns what came of it, in words. Where several
    parts do in turn, the mean of them is kept."""
    turns = hold_out(model.split, TURNS if model.QUICK and len(rows.y) <= FEWER else 1)
    found = []
    for parts in turns:
        model.kept = None
        _fit(model, _part(rows, parts.training), valid=_part(rows, parts.evaluation))
        found.append(model.kept or 0)
    model.kept = round(float(np.mean(found))) or None
    if not model.kept:
        return ""
    best = "held-out rows were" if len(turns) == 1 else f"on average, each of {len(turns)} parts held out in turn was"
    return f"{model.kept} of at most {model.kept_of} are kept: by then, {best} predicted best"


def _fit(model: Places, rows: HeldOut, **valid: HeldOut | None) -> None:
    weights = {} if rows.weights is None else {"weights": rows.weights}
    model.fit(rows.X, rows.y, **valid, **weights)


def _part(rows: HeldOut, which: np.ndarray) -> HeldOut:
    return HeldOut(take(rows.X, which), rows.y[which], None if rows.weights is None else rows.weights[which])


def take(X: Any, rows: np.ndarray) -> Any:
    """Some rows of an array or a table."""
    return X[rows] if isinstance(X, np.ndarray) else X.iloc[rows]
