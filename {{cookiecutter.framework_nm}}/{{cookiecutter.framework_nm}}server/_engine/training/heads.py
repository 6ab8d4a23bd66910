"""What a model made elsewhere gives for a row, and what that means: a number, probabilities, or scores of labels.

Not here: running the model (trainer/model.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Tuple

import numpy as np

if TYPE_CHECKING:
    from .places import Places


def read(model: Places, scores: np.ndarray) -> None:
    """Settle by the answers to some rows, [rows, n] or [rows], what a network predicts: sets `task`, `labels` and
    `state["head"]`, which `apply` reads.

    One score is a number, or the second label's where --labels names two. Of several the largest is the label's, unless
    the task is regression. Raises ValueError for other shapes.
    """
    if scores.ndim > 2 or not scores.size:
        raise ValueError(f"expected scores of shape [rows] or [rows, n], but the network gives {list(scores.shape)}")
    count = 1 if scores.ndim == 1 else scores.shape[1]
    model.state["head"] = ""
    if not model.known.labels and (count == 1 or model.task == "regression"):
        model.task = "regression"
        return
    model.number_labels(max(count, 2))
    between = bool(((scores >= 0) & (scores <= 1)).all())
    if count == 1 and not between:
        model.state["head"] = "sigmoid"
    elif count > 1 and not (between and np.allclose(scores.sum(axis=1), 1, atol=1e-4)):
        model.state["head"] = "softmax"


def answers(run: Callable[[np.ndarray], np.ndarray], shape: Tuple[int, ...]) -> np.ndarray:
    """What a network answers some rows of a shape, single precision: of numbers far enough apart to tell scores from
    probabilities. Raises ValueError where it does not answer them."""
    rows = np.random.default_rng(0).normal(scale=3, size=(16, *shape)).astype(np.float32)
    try:
        return run(rows)
    except Exception as error:  # whatever the library raises; its reason stands below its tracebacks
        wide = f"{shape[0]} columns" if len(shape) == 1 else f"the shape {list(shape)}"
        reason = str(error).strip().rpartition("\n")[2]
        raise ValueError(
            f"the network does not answer rows of {wide}: {reason:.400}. Leave out what it "
            "does not take: --drop names columns, and --target the one to predict"
        ) from error


def apply(head: str, scores: np.ndarray) -> np.ndarray:
    """Probabilities of scores, [rows, n], as `state["head"]` says; [rows] where one score is the second label's, or
    where it is a number, whose logarithm the model gives if the head is "exp"."""
    scores = scores.astype(np.float64)
    if head == "softmax":
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)
    flat = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    if head == "exp":
        return np.exp(flat)
    return 1 / (1 + np.exp(-flat)) if head == "sigmoid" else flat
