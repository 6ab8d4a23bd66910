"""Permutation importance: how much worse a model does where the values of one column are shuffled.

L. Breiman, "Random Forests", 2001. Not here: what a model answers.
"""

from __future__ import annotations

import time
from typing import Any, Callable, List

import numpy as np

from .contents import Evaluation, Importance, Importances

#: Rows that are used, and how often a column is shuffled, at most.
ROWS, REPEATS = 1000, 5

#: Rows, and whether probabilities are wanted, to predictions.
Answer = Callable[[Any, bool], np.ndarray]


def measure(evaluation: Evaluation, names: List[str], answer: Answer, seconds: float) -> Importances:
    """Measure the importance of columns, for so many seconds at most, and the prediction that is under way then."""
    end = time.monotonic() + seconds
    random = np.random.default_rng(0)
    chosen = np.sort(random.permutation(len(evaluation.y))[:ROWS])
    X = evaluation.X.iloc[chosen] if hasattr(evaluation.X, "iloc") else evaluation.X[chosen]
    rows = evaluation._replace(y=np.asarray(evaluation.y)[chosen])
    found: List[List[float]] = [[] for _ in names]
    name = _measure_of(rows)
    if time.monotonic() < end:
        before = _loss(rows, answer(X, rows.proba is not None))
    # Each column once, before one is shuffled again.
    for at in [*range(len(names))] * REPEATS:
        if time.monotonic() >= end:
            break
        loss = _loss(rows, answer(_shuffled(X, at, random), rows.proba is not None))
        found[at].append(loss - before)
    measured = [
        Importance(column, float(np.mean(losses)), float(np.std(losses)))
        for column, losses in zip(names, found)
        if losses
    ]
    measured.sort(key=lambda column: -column.mean)
    return Importances(name, len(chosen), measured, len(names) - len(measured))


def _measure_of(rows: Evaluation) -> str:
    if rows.labels is None:
        return "rmse"
    return "error rate" if rows.proba is None or not np.isin(rows.y, rows.labels).all() else "log_loss"


def _loss(rows: Evaluation, answers: np.ndarray) -> float:
    """How far answers are off, as `_measure_of` says; more is worse."""
    kind = _measure_of(rows)
    if kind == "rmse":
        return float(np.sqrt(np.mean((answers - rows.y) ** 2)))
    assert rows.labels is not None
    if kind == "log_loss":
        of_truth = answers[np.arange(len(rows.y)), np.searchsorted(rows.labels, rows.y)]
        return float(-np.log(of_truth.clip(1e-15)).mean())
    predicted = answers if answers.ndim == 1 else rows.labels[answers.argmax(axis=1)]
    return float(np.mean(predicted != rows.y))


def _shuffled(X: Any, at: int, random: np.random.Generator) -> Any:
    """A copy of rows in which the column at a position is shuffled."""
    copy = X.copy()
    order = random.permutation(len(X))
    if hasattr(copy, "iloc"):
        copy[copy.columns[at]] = copy[copy.columns[at]].to_numpy()[order]
    else:
        copy[:, at] = copy[order, at]
    return copy
