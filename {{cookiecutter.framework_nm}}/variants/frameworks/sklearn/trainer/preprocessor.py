"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .categories import to_numbers

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import TransformerMixin

#: Only the most frequent categories are learnt; rarer ones count as missing values.
MAX_CATEGORIES = 100


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in `make_encoder`, or in `fit` in model.py.
    """
    return X


def make_encoder(X: np.ndarray, text: list[int], fill: bool, scale: bool) -> TransformerMixin:
    """Make the transformer, still to be fitted, from what `encode` makes, [rows, columns], to what an estimator takes.

    `text` has the positions of columns of text. `fill` says that missing values are to be filled in, as all but boosted
    trees need it; `scale`, that numbers are to be of one size, and categories a feature each, as all but trees need it.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    if not fill:  # a column without any value is more than boosted trees take
        known = np.flatnonzero(~np.isnan(X).all(axis=0)).tolist()
        return make_column_transformer((make_pipeline(FunctionTransformer()), known))
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), *[StandardScaler()] * scale)
    if not text:
        return numbers
    unknown = SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    others = [at for at in range(X.shape[1]) if at not in text]
    parts = [(numbers, others)] * bool(others) + [(make_pipeline(unknown, *[one_hot] * scale), text)]
    return make_column_transformer(*parts)


def encode(X: np.ndarray | pd.DataFrame, categories: dict[str, list[str]]) -> np.ndarray:
    """Turn preprocessed input into a float array: a category as its number, an unknown one as a missing value."""
    return to_numbers(X, categories)
