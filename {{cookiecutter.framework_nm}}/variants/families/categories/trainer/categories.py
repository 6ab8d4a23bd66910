"""What is learnt of columns of text: their categories, and a number for each.

Not here: how many are learnt, and what else becomes of them; that is in preprocessor.py.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def learn_categories(X: np.ndarray | pd.DataFrame, most: int, least: int) -> dict[str, list[str]]:
    """The categories of each column of text, sorted: the `most` frequent ones, of those that at least `least` rows
    share, as rarer ones may be somebody's; none of an array."""
    if isinstance(X, np.ndarray):
        return {}
    return {
        name: sorted(value for value, rows in Counter(X[name].dropna()).most_common(most) if rows >= least)
        for name in X.select_dtypes(object)
    }


def to_numbers(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """A float array of the same columns: a category as its number, an unknown one as a missing value."""
    if isinstance(X, np.ndarray):
        return X
    codes = {name: {value: code for code, value in enumerate(values)} for name, values in categories.items()}
    return np.column_stack(
        [
            np.array([codes[name].get(value, np.nan) for value in X[name]], np.float64)
            if name in codes
            else X[name].to_numpy(np.float64)
            for name in X.columns
        ]
    )
