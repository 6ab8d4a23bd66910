"""What fitted estimators of scikit-learn's answer, by their arithmetic alone: linear models, and forests.

A forest of 100 trees takes 3.5 ms for one row, joblib's threads and checks for each tree included, and 0.2 ms so. Not
here: other estimators, which answer by their own methods, and what comes before the estimator.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import numpy as np

#: By a method's name: what an estimator answers numbers, [rows, features]; None where it has to look at them itself.
Answers = Dict[str, Callable[[Any, np.ndarray], Optional[np.ndarray]]]


def own(estimator: Any) -> Answers:
    """The estimator's own methods."""
    methods: Answers = {
        "predict": lambda estimator, X: estimator.predict(X),
        "predict_proba": lambda estimator, X: estimator.predict_proba(X),
    }
    return {name: method for name, method in methods.items() if hasattr(estimator, name)}


def quick(estimator: Any) -> Answers:
    """What answers as the estimator's methods do; nothing where that is not known."""
    kind = type(estimator)
    return _KNOWN.get(kind.__name__, {}) if kind.__module__.startswith("sklearn.") else {}


def _scores(estimator: Any, X: np.ndarray) -> Optional[np.ndarray]:
    if not np.isfinite(X).all():
        return None
    found: np.ndarray = X @ estimator.coef_.T + estimator.intercept_
    return found.reshape(-1) if found.ndim == 2 and found.shape[1] == 1 else found


def _likeliest(estimator: Any, X: np.ndarray) -> Optional[np.ndarray]:
    scores = _scores(estimator, X)
    if scores is None:
        return None
    likeliest = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
    labels: np.ndarray = estimator.classes_.take(likeliest)
    return labels


def _shares(estimator: Any, X: np.ndarray) -> Optional[np.ndarray]:
    scores = _scores(estimator, X)
    if scores is None:
        return None
    if scores.ndim == 1:
        from scipy.special import expit

        second = expit(scores)
        return np.stack([1 - second, second], axis=1)
    scores -= scores.max(axis=1).reshape(-1, 1)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1).reshape(-1, 1)
    return scores


def _mean(forest: Any, X: np.ndarray) -> Optional[np.ndarray]:
    """The mean of the trees' values, [rows, values], summed up in the order in which the forest does."""
    with np.errstate(over="ignore"):  # what is too large is refused by the forest
        numbers = np.ascontiguousarray(X, dtype=np.float32)
    if forest.n_outputs_ != 1 or forest.n_jobs not in (None, 1) or not np.isfinite(numbers).all():
        return None
    first, *others = forest.estimators_
    total: np.ndarray = first.tree_.predict(numbers) + 0.0
    for tree in others:
        total += tree.tree_.predict(numbers)
    total /= len(forest.estimators_)
    return total


def _likeliest_of_trees(forest: Any, X: np.ndarray) -> Optional[np.ndarray]:
    shares = _mean(forest, X)
    return None if shares is None else forest.classes_.take(shares.argmax(axis=1), axis=0)


def _number_of_trees(forest: Any, X: np.ndarray) -> Optional[np.ndarray]:
    numbers = _mean(forest, X)
    return None if numbers is None else numbers[:, 0]


_LABELS: Answers = {"predict": _likeliest_of_trees, "predict_proba": _mean}
_NUMBERS: Answers = {"predict": _number_of_trees}
_KNOWN: Dict[str, Answers] = {
    "LogisticRegression": {"predict": _likeliest, "predict_proba": _shares},
    "LinearRegression": {"predict": _scores},
    "Ridge": {"predict": _scores},
    "RandomForestClassifier": _LABELS,
    "ExtraTreesClassifier": _LABELS,
    "RandomForestRegressor": _NUMBERS,
    "ExtraTreesRegressor": _NUMBERS,
}
