"""Choosing among scikit-learn's estimators by cross-validation. Not here: which there are (trainer/model.py)."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any, Mapping

import numpy as np
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score

from ..tables.reading import DataError
from .fitting import take
from .places import Places
from .splitting import Rows, Split

#: Parts of the rows. With fewer, trees learn from far fewer rows than they will in the end, and a linear model wins.
FOLDS = 5
#: Candidates are compared on rows that have at most so many numbers, but on so many rows in any case: more take longer.
NUMBERS, ROWS = 500_000, 3_000


def choose(
    model: Places, candidates: Mapping[str, Any], X: Any, y: np.ndarray, weights: np.ndarray | None = None
) -> Any:
    """The fitted one of several pipelines that cross-validation finds the best: by accuracy, by balanced accuracy where
    there are weights, or by R2; of equals, the first. One alone is fitted without a search, and so is the first where
    there are too few rows.

    X is encoded, [rows, features]. The choice and all scores are noted.
    """
    name = next(iter(candidates))
    if len(candidates) > 1:
        name = _best(model, candidates, X, y, weights)
    return _fit(candidates[name], X, y, weights)


def _best(model: Places, candidates: Mapping[str, Any], X: Any, y: np.ndarray, weights: np.ndarray | None) -> str:
    most = max(ROWS, NUMBERS // X.shape[1])
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[:most])
    first = next(iter(candidates))
    folds = _folds(model.split.of(rows))
    if not folds:
        others = ", ".join(name for name in candidates if name != first)
        model.notes.append(f"{first} is trained: there are too few rows, groups or times to compare it with {others}")
        return first
    measure = "R2" if model.labels is None else "accuracy" if weights is None else "balanced accuracy"
    scores = {}
    for at, (name, candidate) in enumerate(candidates.items()):
        found = []
        for number, fold in enumerate(folds):
            model.report(at * len(folds) + number, len(candidates) * len(folds))
            parts = rows[fold.training], rows[fold.evaluation]
            found.append(_score(clone(candidate), measure, X, y, weights, *parts))
        scores[name] = float(np.mean(found))
    best = max(scores, key=lambda name: round(scores[name], 6))  # the first of those that are equal
    told = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
    model.notes.append(
        f"{best} is chosen by {measure} in {len(folds)}-fold cross-validation of {len(rows)} rows: {told}"
    )
    return best


def _folds(split: Split) -> list[Rows]:
    """Parts of the rows, two where there are no more, such as two groups; none where that cannot be."""
    for number in (FOLDS, 2):
        with suppress(DataError):
            return split.folds(number, 0)
    return []


def _score(
    pipeline: Any,
    measure: str,
    X: Any,
    y: np.ndarray,
    weights: np.ndarray | None,
    learnt: np.ndarray,
    held: np.ndarray,
) -> float:
    """How well a pipeline that is fitted on some rows predicts others; -inf where it cannot be fitted on them."""
    with warnings.catch_warnings():
        # Of training that ended early, which the fit of the chosen one says, and of labels that only predictions have.
        warnings.simplefilter("ignore", UserWarning)
        try:
            _fit(pipeline, take(X, learnt), y[learnt], None if weights is None else weights[learnt])
        except (TypeError, ValueError):
            return -np.inf
        if measure == "balanced accuracy":
            return float(balanced_accuracy_score(y[held], pipeline.predict(take(X, held))))
        return float(pipeline.score(take(X, held), y[held]))


def _fit(pipeline: Any, X: Any, y: np.ndarray, weights: np.ndarray | None) -> Any:
    # Some estimators of scikit-learn take no weights.
    weighted = {} if weights is None else {f"{pipeline.steps[-1][0]}__sample_weight": weights}
    return pipeline.fit(X, y, **weighted)
