"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in `fit` in model.py.
    """
    return X


#: Rarer categories than these are answered as missing values are: none of their features is set.
MAX_CATEGORIES = 50


def encode(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """Turn preprocessed input into a float array: a category as a feature of its own, 0 or 1."""
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
