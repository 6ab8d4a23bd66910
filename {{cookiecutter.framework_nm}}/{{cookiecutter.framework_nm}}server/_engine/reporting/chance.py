"""Whether a model is better than one that knows nothing by so little that it may be chance.

Not here: the metrics, and which models are refused, which is training's matter.
"""

from __future__ import annotations

from typing import Iterator, Tuple

import numpy as np

from .contents import Evaluation

#: By how many standard errors a mean has to be above zero: by chance alone it is so in a few of a hundred cases.
ENOUGH = 2.0


def possible(evaluation: Evaluation) -> bool:
    """Whether by no measure the errors are smaller, on average over the rows, by ENOUGH standard errors of that
    average. False where a model that knows nothing makes no error, so that there is nothing to compare.
    """
    pairs = list(_errors(evaluation))
    return bool(pairs[0][0].any()) and not any(_differ(*pair) for pair in pairs)


def _differ(without: np.ndarray, ours: np.ndarray) -> bool:
    """Whether paired errors, [rows], are surely smaller: rows that are hard for both count for neither."""
    gain = without - ours
    return len(gain) > 1 and bool(gain.mean() > ENOUGH * gain.std(ddof=1) / np.sqrt(len(gain)))


def _errors(evaluation: Evaluation) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """The errors of a model that knows nothing, and of this one, [rows], by each measure that training compares."""
    y, y_hat, proba, labels = evaluation.y, evaluation.y_hat, evaluation.proba, evaluation.labels
    if labels is None:
        yield np.abs(y - np.median(y)), np.abs(y - y_hat)
        yield (y - y.mean()) ** 2, (y - y_hat) ** 2
        return
    seen, which, counts = np.unique(y, return_inverse=True, return_counts=True)
    wrong = (y != y_hat).astype(np.float64)
    yield (which != counts.argmax()).astype(np.float64), wrong
    alike = 1 / counts[which]  # so that labels count alike
    yield alike * (1 - 1 / len(seen)), alike * wrong
    if proba is not None and np.isin(y, labels).all():
        of_truth = proba[np.arange(len(y)), np.searchsorted(labels, y)]
        yield -np.log(counts[which] / len(y)), -np.log(of_truth.clip(1e-15))
