"""What happens to a prediction before it is answered, in training's evaluation and in serving alike."""

from __future__ import annotations

import numpy as np


def post_func(y_hat: np.ndarray) -> np.ndarray:
    """Turn predictions, shape [rows], into answers: one per row, in the same order.

    The place to round, to clip, or to name the labels. Probabilities do not pass through here.
    """
    return y_hat
