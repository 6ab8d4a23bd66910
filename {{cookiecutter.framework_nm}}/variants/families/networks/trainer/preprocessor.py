"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .categories import learn_categories

if TYPE_CHECKING:
    import pandas as pd

#: Only the most frequent categories are learnt; rarer ones count as missing values.
MAX_CATEGORIES = 50
#: Numbers further from the mean, in standard deviations, are moved to this limit: beyond what they were
#: trained on, networks may answer anything.
FARTHEST = 10.0


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame; or an array of [rows, *shape] where rows are tensors. Keep the rows, and let no
    row depend on another: requests are answered in batches. What is learnt from data belongs in `learn_encoding`.
    """
    return X


def learn_encoding(X: np.ndarray | pd.DataFrame, least: int) -> dict[str, Any]:
    """The means and standard deviations of the numbers, per column or of all there are in tensors, and the most
    frequent categories of each column of text, sorted, of those that at least `least` rows share."""
    categories = learn_categories(X, MAX_CATEGORIES, least)
    numbers = _numbers(X, list(categories))
    known, axis = np.ma.masked_invalid(numbers), 0 if numbers.ndim == 2 else None
    means, deviations = (np.ma.filled(part, 0.0) for part in (known.mean(axis), known.std(axis)))
    return {
        "means": means.tolist(),
        # Equal numbers have none, apart from rounding.
        "deviations": np.where(deviations > np.abs(means) * 1e-12, deviations, 1.0).tolist(),
        "categories": categories,
    }


def encode(X: np.ndarray | pd.DataFrame, learnt: dict[str, Any]) -> np.ndarray:
    """Turn preprocessed input into a float32 array: numbers in standard deviations from their mean, 0 where one
    is missing, then 0 or 1 per category: only 0 for unknown categories and missing values."""
    standardised = (_numbers(X, list(learnt["categories"])) - learnt["means"]) / learnt["deviations"]
    parts = [np.nan_to_num(standardised.clip(-FARTHEST, FARTHEST))]
    for name, categories in learnt["categories"].items():
        parts.append(X[name].to_numpy()[:, None] == np.array(categories, dtype=object))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _numbers(X: np.ndarray | pd.DataFrame, text: list[str]) -> np.ndarray:
    """All but the columns of text, [rows, numbers], or tensors as they are."""
    return X if isinstance(X, np.ndarray) else X.drop(columns=text).to_numpy(np.float64)
