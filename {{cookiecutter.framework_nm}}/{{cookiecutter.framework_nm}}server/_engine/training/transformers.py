"""What fitted transformers of scikit-learn's make of numbers, by their arithmetic alone.

Not here: other transformers, of which a pipeline stays as it is, and whether the numbers are any that it takes.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

import numpy as np

#: From [rows, columns] to [rows, features], both of doubles.
Transform = Callable[[np.ndarray], np.ndarray]


def transform(step: Any) -> Optional[Transform]:
    """What a fitted transformer does to numbers, missing ones among them; None where that is not known."""
    if step is None or _is(step, "passthrough"):
        return _same
    known = _KNOWN.get(type(step).__name__) if type(step).__module__.startswith("sklearn.") else None
    if known is None or hasattr(step, "_sklearn_output_config"):  # it may make DataFrames
        return None
    return known(step)


def chained(steps: List[Any]) -> Optional[Transform]:
    """What several transformers do, one after the other."""
    parts = [transform(step) for step in steps]
    known = [part for part in parts if part]
    if len(known) < len(parts):
        return None

    def chain(X: np.ndarray) -> np.ndarray:
        for part in known:
            X = part(X)
        return X

    return chain


def _same(X: np.ndarray) -> np.ndarray:
    return X


def _pipeline(step: Any) -> Optional[Transform]:
    return chained([each for _, each in step.steps])


def _function(step: Any) -> Optional[Transform]:
    return _same if step.func is None and not step.validate else None


def _impute(step: Any) -> Optional[Transform]:
    def fill(X: np.ndarray) -> np.ndarray:
        absent = np.isnan(X)
        return np.where(absent, step.statistics_.astype(np.float64, copy=False), X) if absent.any() else X

    missing = isinstance(step.missing_values, float) and np.isnan(step.missing_values)
    known = missing and not step.add_indicator and not np.isnan(step.statistics_.astype(np.float64)).any()
    return fill if known else None


def _scale(step: Any) -> Optional[Transform]:
    def scale(X: np.ndarray) -> np.ndarray:
        found: np.ndarray = X - step.mean_
        found /= step.scale_  # in place: memory for many rows anew takes as long as the arithmetic
        return found

    return scale if step.with_mean and step.with_std else None


def _one_hot(step: Any) -> Optional[Transform]:
    dense = getattr(step, "sparse_output", getattr(step, "sparse", True)) is False
    if not dense or step.handle_unknown != "ignore" or step.drop is not None or step.dtype is not np.float64:
        return None
    categories = step.categories_
    if getattr(step, "_infrequent_enabled", False) or any(each.dtype != np.float64 for each in categories):
        return None
    where = np.repeat(np.arange(len(categories)), [len(each) for each in categories])
    values = np.concatenate(categories)
    return lambda X: (X[:, where] == values).astype(np.float64, order="C")


def _columns(step: Any) -> Optional[Transform]:
    parts = [(transform(part), at) for _, part, at in step.transformers_ if not _is(part, "drop") and len(at)]
    chosen = [(part, at) for part, at in parts if part and isinstance(at, list) and all(type(n) is int for n in at)]
    if step.sparse_output_ or len(chosen) < len(parts):
        return None
    return lambda X: np.hstack([part(X[:, at]) for part, at in chosen])


def _is(step: Any, word: str) -> bool:
    return isinstance(step, str) and step == word


_KNOWN: Dict[str, Callable[[Any], Optional[Transform]]] = {
    "Pipeline": _pipeline,
    "FunctionTransformer": _function,
    "SimpleImputer": _impute,
    "StandardScaler": _scale,
    "OneHotEncoder": _one_hot,
    "ColumnTransformer": _columns,
}
