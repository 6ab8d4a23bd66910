"""What boosted trees share, whichever framework grows them: what an objective is made of.

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
