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
    in batches. CatBoost learns from the categories of text itself.
    """
    return X


#: Only the most frequent categories are learnt; rarer ones are answered as missing values are.
MAX_CATEGORIES = 1000


def encode(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """Turn preprocessed input into an array: text as it is; what is missing or unknown is "", a category like others.

    CatBoost reads one row of an array some times faster than one of a DataFrame.
    """
    if isinstance(X, np.ndarray):
        return X
    known = {name: set(values) for name, values in categories.items()}
    return np.column_stack(
        [
            np.array([value if value in known[name] else "" for value in X[name]], dtype=object)
            if name in known
            else X[name].to_numpy()
            for name in X.columns
        ]
    )
