"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .categories import learn_categories

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import TransformerMixin


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before it is encoded; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. What is learnt from data belongs in `make_encoder`.
    """
    return X


#: Only the most frequent categories are learnt; for rarer ones, none of their features is set.
MAX_CATEGORIES = 50


def make_encoder(X: np.ndarray | pd.DataFrame, missing: bool, scale: bool, least: int) -> TransformerMixin:
    """Make the transformer, still to be fitted, that turns preprocessed input into numbers.

    `missing` says that there can be missing values to fill in; `scale`, that the numbers are to be of one size. Texts
    are learnt that at least `least` rows share.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    steps = [SimpleImputer(keep_empty_features=True)] * missing + [StandardScaler()] * scale
    numbers = make_pipeline(*steps or [FunctionTransformer()])
    categories = learn_categories(X, MAX_CATEGORIES, least)
    if not categories:
        return numbers
    # Named here, because an encoder that finds them itself keeps the rare ones, too.
    known = [np.array(values, dtype=object) for values in categories.values() if values]
    text = OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (numbers, [name for name in X if name not in categories]),
        (text, [name for name, values in categories.items() if values]),
    )
