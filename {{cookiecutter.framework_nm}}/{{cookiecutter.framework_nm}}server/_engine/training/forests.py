"""scikit-learn's forests without what a call of theirs costs beside the trees: joblib's threads, checks for each tree.

A forest of 100 trees takes 3.5 ms for one row and 0.2 ms so; the answers are equal bit by bit. Not here: other models,
and the compiled one, which is quicker still.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

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
    if hasattr(forest, "feature_names_in_"):  # asked for columns by name, which scikit-learn has to look at
        return
    probe = np.zeros((1, forest.n_features_in_))
    kind: Any
    scikit_learns: Any = type(forest)
    if scikit_learns in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier):
        kind, expected = _Classifier, forest.predict_proba(probe)[0]
    elif scikit_learns in (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor):
        kind, expected = _Regressor, forest.predict(probe)
    else:
        return
    if np.array_equal(_mean(forest, probe.astype(np.float32))[0], expected):  # before 1.4 a leaf counts rows
        forest.__class__ = _before(kind, scikit_learns)


class _Quick:
    """Stands before scikit-learn's class, by which it is copied and pickled: it is no part of a model's file."""

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        _, scikit_learns = type(self).__bases__
        return object.__new__, (scikit_learns,), self.__getstate__()


class _Classifier(_Quick):
    def predict_proba(self, X: Any) -> np.ndarray:
        numbers = _readable(self, X)
        return super().predict_proba(X) if numbers is None else _mean(self, numbers)  # type: ignore[misc]

    def predict(self, X: Any) -> np.ndarray:
        numbers = _readable(self, X)
        if numbers is None:
            return super().predict(X)  # type: ignore[misc]
        return self.classes_.take(_mean(self, numbers).argmax(axis=1), axis=0)  # type: ignore[attr-defined]


class _Regressor(_Quick):
    def predict(self, X: Any) -> np.ndarray:
        numbers = _readable(self, X)
        return super().predict(X) if numbers is None else _mean(self, numbers)[:, 0]  # type: ignore[misc]


@functools.lru_cache
def _before(kind: Any, scikit_learns: Any) -> Any:
    return type(scikit_learns.__name__, (kind, scikit_learns), {"__module__": scikit_learns.__module__})


def _mean(forest: Any, numbers: np.ndarray) -> np.ndarray:
    """The mean of the trees' values, [rows, values], summed up in the order in which the forest does."""
    first, *others = forest.estimators_
    total = first.tree_.predict(numbers) + 0.0
    for tree in others:
        total += tree.tree_.predict(numbers)
    total /= len(forest.estimators_)
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
