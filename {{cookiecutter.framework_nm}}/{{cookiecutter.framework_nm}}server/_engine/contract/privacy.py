"""What may be told of data without telling one row's: what every file that is written keeps to.

Not here: labels, which a model answers with, and what an algorithm stores in its own file.
"""

from __future__ import annotations

import numpy as np

#: Rows that have to share a text before it is written, unless the training command says otherwise.
MIN_COUNT = 10
#: Significant digits that are left of a quantile.
DIGITS = 2


def rounded(value: float) -> float:
    """A quantile, rounded: it is the value of a row."""
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else float(value)
