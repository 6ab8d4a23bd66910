"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Rarer categories than these are answered as a gap is: none of their features is set.
MAX_CATEGORIES = 50


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in `learn`.
    """
    return X


def learn(X: np.ndarray | pd.DataFrame) -> dict[str, Any]:
    """What `encode` has to know of the training data, as JSON: it is kept in metadata.json."""
    categories: dict[str, list[str]] = {}
    if not isinstance(X, np.ndarray):
        for name in X.select_dtypes(object):
            most = Counter(X[name].dropna()).most_common(MAX_CATEGORIES)
            categories[name] = sorted(value for value, _ in most)
    features = np.ma.masked_invalid(_features(X, categories))
    spread = features.std(axis=0).filled(0)
    return {
        "categories": categories,
        "means": features.mean(axis=0).filled(0).tolist(),
        "spread": np.where(spread > 0, spread, 1).tolist(),
    }


def encode(X: np.ndarray | pd.DataFrame, learnt: dict[str, Any]) -> np.ndarray:
    """Turn preprocessed input into features of one size around zero, [rows, features]; a gap is the mean."""
    features = (_features(X, learnt["categories"]) - learnt["means"]) / learnt["spread"]
    return np.nan_to_num(features, nan=0.0)


def _features(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """Numbers as they are, gaps included, and each category of text as a feature of its own, 0 or 1."""
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
