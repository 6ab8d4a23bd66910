"""What networks share, whichever framework computes them: hyperparameters, and when training ends.

Not here: the layers and a step of training; they are in model.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import BaseModel, Field


class NetworkHyperparameters(BaseModel):
    """Those of a network that is trained until it stops getting better."""

    layers: int = Field(2, ge=0, description="hidden layers")
    width: int = Field(64, ge=1, description="units in each of them")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units dropped at random in training")
    learning_rate: float = Field(0.003, gt=0, description="how far each step goes")
    weight_decay: float = Field(0.01, ge=0, description="strength of the penalty on large weights")
    batch_size: int = Field(64, ge=1, description="rows per step")
    epochs: int = Field(200, ge=1, description="most passes over the rows")
    patience: int = Field(20, ge=1, description="passes without progress on held-out rows before training ends")
    seed: int = Field(0, ge=0, description="random seed of the weights, the order of rows, and those held out")


def find_best_weights(
    rows: int,
    options: NetworkHyperparameters,
    step: Callable[[np.ndarray], Any],
    measure: Callable[[np.ndarray], float],
    copy_weights: Callable[[], Any],
    report: Callable[[int, int], None],
) -> Any:
    """Train until answers for the held-out rows, a fifth, no longer improve; return the best weights.

    `step` trains on the rows with the numbers that it is given, `measure` returns the loss on such rows.
    Raises ValueError where no pass over the rows made a loss that is a number.
    """
    random = np.random.default_rng(options.seed)
    held, rest = np.split(random.permutation(rows), [rows // 5])
    if not len(held):
        held = rest.copy()
    least, since, best = math.inf, 0, None
    for epoch in range(options.epochs):
        random.shuffle(rest)
        for start in range(0, len(rest), options.batch_size):
            step(rest[start : start + options.batch_size])
        loss = measure(held)
        since += 1
        if loss < least:
            least, since, best = loss, 0, copy_weights()
        if since == options.patience:
            break
        report(epoch + 1, options.epochs)
    if best is None:
        raise ValueError(f"the network learns nothing at a learning rate of {options.learning_rate}: try a smaller one")
    return best
