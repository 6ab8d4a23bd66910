"""Weights of rows by which all labels count alike. Not here: what a framework does with weights."""

from __future__ import annotations

import inspect

import numpy as np

from .places import Places


def weigh(model: Places, y: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """The weights by which all labels count alike: one per row, 1 on average.

    Raises ValueError where numbers are predicted, or where the framework's `fit` takes no weights.
    """
    if labels is None:
        raise ValueError("numbers are predicted, and only labels can be balanced: leave --class_weight out")
    if "weights" not in inspect.signature(model.fit).parameters:
        raise ValueError(
            f"labels are not balanced with {model.FRAMEWORK}, as `fit` in trainer/model.py takes no weights: leave "
            "--class_weight out"
        )
    _, at, counts = np.unique(y, return_inverse=True, return_counts=True)
    found: np.ndarray = len(y) / len(labels) / counts[at]
    return found
