"""What a fitted model of scikit-learn's, or one made like it, tells of what it takes and gives, and its answers.

Not here: opening a file (trainer/importing.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple, Union

import numpy as np

from ..contract.signature import Column
from .importing import Known, columns_of

if TYPE_CHECKING:
    import pandas as pd

#: What each column is to be, by name; or one dtype for an array of all; or TEXTS.
Types = Union[Dict[str, str], str]
#: A sequence of texts, as vectorizers take it.
TEXTS = "texts"


def labels_of(model: Any) -> Optional[np.ndarray]:
    """The labels of a fitted classifier; None of one that predicts numbers. Raises ValueError for several targets."""
    if not hasattr(model, "predict"):
        raise ValueError(f"a {type(model).__name__} has no method predict, so it answers nothing")
    if not hasattr(model, "classes_"):
        return None
    if isinstance(model.classes_, list):
        raise ValueError(f"a {type(model).__name__} of several targets; expected one label per row")
    labels = np.array(np.asarray(model.classes_).tolist())
    whole = labels.dtype.kind == "f" and bool((labels % 1 == 0).all())
    return labels.astype(np.int64) if whole else labels


def input_of(model: Any, known: Known, X: Any) -> Tuple[Tuple[Column, ...], Types]:
    """The columns that a fitted model takes, and how `to_table` hands them over. Raises ValueError as `columns_of`."""
    steps = _steps(model)
    if hasattr(steps[0], "build_analyzer"):
        columns = columns_of(known, X, 1, text=[0])
        return columns, TEXTS
    names = getattr(model, "feature_names_in_", None)
    width = getattr(model, "n_features_in_", None)
    text = list(_texts(steps[0], list(range(width or 0)) if names is None else list(names)))
    columns = columns_of(
        known, X, width, None if names is None else [str(name) for name in names], text, _takes_missing(model)
    )
    if names is None and not any(column.text for column in columns):
        return columns, "float64"
    kinds = {"BOOL": "bool", "FP64": "float64", "BYTES": "object"}
    return columns, {column.name: kinds[column.datatype] for column in columns}


def answer(model: Any, X: Any, types: Types, labels: Optional[np.ndarray], proba: bool) -> np.ndarray:
    """What a fitted model answers preprocessed input, as `infer` does."""
    table = to_table(X, types)
    if proba:
        probabilities: np.ndarray = model.predict_proba(table)
        return probabilities
    y_hat = np.asarray(model.predict(table))
    if labels is None:
        return y_hat[:, 0] if y_hat.ndim == 2 and y_hat.shape[1] == 1 else y_hat
    return y_hat.astype(labels.dtype)


def to_table(X: Any, types: Types) -> Union[np.ndarray, pd.DataFrame]:
    """Preprocessed input as a fitted model takes it: an array of one type, or a DataFrame with a type per column.

    Missing values are NaN, in text too, as pandas reads them from files; columns with some are float64 otherwise.
    """
    if types == TEXTS:
        texts: np.ndarray = X.iloc[:, 0].to_numpy()
        return texts
    if isinstance(types, str):
        return np.asarray(X).astype(types)
    import pandas as pd

    columns = {}
    for at, (name, kind) in enumerate(types.items()):
        values = X[:, at] if isinstance(X, np.ndarray) else X[name].to_numpy()
        missing = pd.isna(values)
        columns[name] = np.where(missing, np.nan, values) if missing.any() else values.astype(kind)
    return pd.DataFrame(columns)


def use_one_thread(model: Any) -> None:
    """Requests are batched before they come to a model; more threads would only wait for each other."""
    if hasattr(model, "get_params") and hasattr(model, "set_params"):
        model.set_params(**{name: None for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"})


def _steps(model: Any) -> List[Any]:
    """The steps of a pipeline, also of one that a search has fitted; or the model itself."""
    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "steps", None)
    return [model] if steps is None else _steps(steps[0][1]) + [step for _, step in steps[1:]]


def _texts(step: Any, columns: List[Any]) -> Iterator[Any]:
    """Which of the columns a fitted step reads as text: those whose categories it has as texts, or whose words."""
    if hasattr(step, "transformers_"):
        for _, part, where in step.transformers_:
            if not isinstance(part, str):
                chosen = _chosen(where, columns)
                yield from chosen if hasattr(_steps(part)[0], "build_analyzer") else _of_part(part, chosen)
    else:
        yield from _of_part(step, columns)


def _of_part(part: Any, columns: List[Any]) -> Iterator[Any]:
    for step in _steps(part):
        inner = getattr(step, "_preprocessor", None)  # of boosted trees that learn from categories
        if inner is not None:
            yield from _texts(inner, columns)
        for column, categories in zip(columns, getattr(step, "categories_", ())):
            if any(isinstance(category, str) for category in categories):
                yield column


def _chosen(where: Any, columns: List[Any]) -> List[Any]:
    """The columns that a part of a ColumnTransformer gets: names, positions, a slice, or a truth value for each."""
    items: Any = [where] if isinstance(where, (str, int)) else where
    if not isinstance(items, slice) and all(isinstance(item, str) or type(item) is int for item in items):
        return list(items)
    return list(np.array(columns, dtype=object)[items])


def _takes_missing(model: Any) -> bool:
    """Whether a model takes missing values, as far as scikit-learn knows."""
    try:
        from sklearn.utils import get_tags

        return bool(get_tags(model).input_tags.allow_nan)
    except ImportError:  # before 1.6
        tags: Dict[str, Any] = model._get_tags() if hasattr(model, "_get_tags") else {}
        return bool(tags.get("allow_nan", False))
