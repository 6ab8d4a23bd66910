"""What is learnt of columns of text, whichever way they become numbers: their categories.

Not here: how many are learnt, and the numbers; they are in preprocessor.py.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def learn_categories(X: np.ndarray | pd.DataFrame, most: int) -> dict[str, list[str]]:
    """The categories of each column of text, the `most` frequent ones, sorted; none of an array."""
    if isinstance(X, np.ndarray):
        return {}
    return {
        name: sorted(value for value, _ in Counter(X[name].dropna()).most_common(most))
        for name in X.select_dtypes(object)
    }
