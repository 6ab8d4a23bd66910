"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .categories import to_numbers

if TYPE_CHECKING:
    import pandas as pd

#: Only the most frequent categories are learnt; a split sends rarer ones where it sends missing values.
MAX_CATEGORIES = 100


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in `fit` in model.py.
    """
    return X


def encode(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """Turn preprocessed input into a float array: a category as its number, an unknown one as a missing value."""
    return to_numbers(X, categories)
