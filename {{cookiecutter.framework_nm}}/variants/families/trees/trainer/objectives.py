"""What boosted trees share, whichever framework grows them: what is predicted.

Not here: hyperparameters and training; they are in model.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def choose_objective(labels: np.ndarray | None, number: str, two: str, several: str) -> dict[str, Any]:
    """The parameters that say what is predicted, of the framework's names for a number, two labels, and several."""
    if labels is None:
        return {"objective": number}
    return {"objective": several, "num_class": len(labels)} if len(labels) > 2 else {"objective": two}


def least_progress(labels: np.ndarray | None) -> float:
    """What counts as progress on held-out rows: more than this of the log loss, beyond which labels are told apart no
    better however long it goes on; or any where numbers are predicted, whose unit is not known."""
    return 0.0 if labels is None else 0.0005


def to_codes(y: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """What is predicted as the frameworks take it: numbers as they are, or the place of each label among all."""
    return y if labels is None else np.searchsorted(labels, y)
