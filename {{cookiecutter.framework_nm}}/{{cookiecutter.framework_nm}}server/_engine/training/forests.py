"""scikit-learn's forests without what a call of theirs costs beside the trees: joblib's threads, checks for each tree.

A forest of 100 trees takes 3.5 ms for one row and 0.2 ms so; the answers are equal bit by bit. Not here: other models,
and the compiled one, which is quicker still.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, List

import numpy as np


def quicken(model: Any) -> None:
    """Let a fitted forest, be it at the end of a pipeline, ask its trees itself.

    What else the model is, stays as it is: forests of several outputs, on several threads, or of a scikit-learn whose
    trees answer otherwise.
    """
    ensemble = sys.modules.get("sklearn.ensemble")  # who has loaded a forest has imported it
    steps = getattr(model, "steps", None)
    forest = steps[-1][1] if steps else model
    if not ensemble or getattr(forest, "n_outputs_", None) != 1 or forest.n_jobs not in (None, 1):
        return
    classifies = type(forest) in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
    if not classifies and type(forest) not in (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor):
        return
    trees = [tree.tree_ for tree in forest.estimators_]
    probe = np.zeros((1, forest.n_features_in_))
    expected = forest.predict_proba(probe)[0] if classifies else forest.predict(probe)
    if not np.array_equal(_mean(trees, probe.astype(np.float32))[0], expected):  # before 1.4 a leaf counts rows
        return
    for name, answer in {"predict_proba": _proba, "predict": _labels}.items() if classifies else [("predict", _means)]:
        setattr(forest, name, functools.partial(answer, forest, trees, getattr(forest, name)))


def _proba(forest: Any, trees: List[Any], slow: Any, X: Any) -> np.ndarray:
    numbers = _readable(forest, X)
    return slow(X) if numbers is None else _mean(trees, numbers)


def _labels(forest: Any, trees: List[Any], slow: Any, X: Any) -> np.ndarray:
    numbers = _readable(forest, X)
    return slow(X) if numbers is None else forest.classes_.take(_mean(trees, numbers).argmax(axis=1), axis=0)


def _means(forest: Any, trees: List[Any], slow: Any, X: Any) -> np.ndarray:
    numbers = _readable(forest, X)
    return slow(X) if numbers is None else _mean(trees, numbers)[:, 0]


def _mean(trees: List[Any], numbers: np.ndarray) -> np.ndarray:
    """The mean of the trees' values, [rows, values], summed up in the order in which the forest does."""
    total = trees[0].predict(numbers) + 0.0
    for tree in trees[1:]:
        total += tree.predict(numbers)
    total /= len(trees)
    return total


def _readable(forest: Any, X: Any) -> np.ndarray | None:
    """X as trees read it, [rows, features] of finite numbers; None where the forest has to look at it."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "fiu":
        return None
    if not len(X) or X.shape[1] != forest.n_features_in_:
        return None
    with np.errstate(over="ignore"):  # what is too large is refused by the forest
        numbers = np.ascontiguousarray(X, dtype=np.float32)
    return numbers if np.isfinite(numbers).all() else None
