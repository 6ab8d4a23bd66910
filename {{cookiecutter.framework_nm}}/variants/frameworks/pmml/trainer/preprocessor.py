"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Rarer categories than these are answered as a gap is: none of them adds anything.
MAX_CATEGORIES = 50


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before the document sees it; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in the document.
    """
    return X


def learn_categories(X: np.ndarray | pd.DataFrame) -> dict[str, list[str]]:
    """The categories of each column of text, the most frequent ones, sorted; none that XML cannot hold."""
    if isinstance(X, np.ndarray):
        return {}
    counts = {name: Counter(value for value in X[name].dropna() if value.isprintable()) for name in _text(X)}
    return {name: sorted(value for value, _ in found.most_common(MAX_CATEGORIES)) for name, found in counts.items()}


def encode(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """What the estimator is trained on: numbers as they are, and a category as a feature of its own, 0 or 1."""
    if isinstance(X, np.ndarray):
        return X
    return np.column_stack(
        [
            X[name].to_numpy()[:, None] == np.array(categories[name], dtype=object)
            if name in categories
            else X[name].to_numpy(np.float64)
            for name in X.columns
        ]
    ).astype(np.float64)


def _text(X: pd.DataFrame) -> list[str]:
    return list(X.select_dtypes(object))
