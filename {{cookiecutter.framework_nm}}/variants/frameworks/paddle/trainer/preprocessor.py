"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Rarer categories than these are answered as a gap is.
MAX_CATEGORIES = 50
#: How many standard deviations from the mean a number may be for the network; further ones are taken for that.
FARTHEST = 10.0


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame; or an array of [rows, *shape] where rows are tensors. Keep the rows, and let no
    row depend on another: requests are answered in batches. What is learnt from data belongs in `learn_encoding`.
    """
    return X


def learn_encoding(X: np.ndarray | pd.DataFrame) -> dict[str, Any]:
    """The mean and standard deviation of each number, and the categories of each column of text, the most frequent
    ones, sorted."""
    text = [] if isinstance(X, np.ndarray) else list(X.select_dtypes(object))
    known = np.ma.masked_invalid(_numbers(X, text))
    means, deviations = known.mean(axis=0).filled(0), known.std(axis=0).filled(0)
    return {
        "means": means.tolist(),
        # Equal numbers have none, but for rounding.
        "deviations": np.where(deviations > 1e-12 * np.abs(means), deviations, 1).tolist(),
        "categories": {
            name: sorted(value for value, _ in Counter(X[name].dropna()).most_common(MAX_CATEGORIES)) for name in text
        },
    }


def encode(X: np.ndarray | pd.DataFrame, learnt: dict[str, Any]) -> np.ndarray:
    """Turn preprocessed input into a float32 array, [rows, features]: standardised numbers, where a gap is the mean,
    and a 0 or 1 for each category, where gaps and unknown text have no 1."""
    categories = learnt["categories"]
    numbers = (_numbers(X, list(categories)) - learnt["means"]) / learnt["deviations"]
    marks = [X[name].to_numpy()[:, None] == np.array(values, object) for name, values in categories.items()]
    return np.hstack([np.nan_to_num(numbers.clip(-FARTHEST, FARTHEST)), *marks]).astype(np.float32)


def _numbers(X: np.ndarray | pd.DataFrame, text: list[str]) -> np.ndarray:
    """All but the text, [rows, numbers]; tensors are laid out flat."""
    return X.reshape(len(X), -1) if isinstance(X, np.ndarray) else X.drop(columns=text).to_numpy(np.float64)
