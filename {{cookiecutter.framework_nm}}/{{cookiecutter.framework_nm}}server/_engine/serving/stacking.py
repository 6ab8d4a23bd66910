"""Rows of several requests as one input of a model. Not here: which requests they are of."""

from __future__ import annotations

from typing import Any, List

import numpy as np


def stack(inputs: List[Any]) -> Any:
    """The rows of one input after another; they stay a list where all of them are lists (protocol/rows.py)."""
    if all(X.__class__ is list for X in inputs):
        return [row for X in inputs for row in X]
    if not hasattr(inputs[0], "iloc"):
        return np.concatenate([as_array(X) for X in inputs])
    import pandas as pd

    return pd.concat(inputs, ignore_index=True)


def as_array(X: Any) -> Any:
    """An input as a model takes it: a list of rows becomes an array."""
    return np.array(X, dtype=np.float64) if X.__class__ is list else X
