"""What networks share, whichever framework computes them: hyperparameters, what is searched of them, and when training
ends.

Not here: the layers and a step of training; they are in model.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model


class Passes(BaseModel):
    """How a network passes over the rows until it stops getting better."""

    learning_rate: float = Field(0.003, gt=0, description="how far each step goes")
    batch_size: int = Field(64, ge=1, description="rows per step")
    epochs: int = Field(200, ge=1, description="most passes over the rows")
    patience: int = Field(20, ge=1, description="passes without progress on held-out rows before training ends")
    seed: int = Field(0, ge=0, description="random seed of the weights and of the order of rows")


class NetworkHyperparameters(Passes):
    """Those of a network over the columns of a table."""

    layers: int = Field(2, ge=0, description="hidden layers")
    width: int = Field(64, ge=1, description="units in each of them")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units dropped at random in training")
    weight_decay: float = Field(0.01, ge=0, description="strength of the penalty on large weights")


#: What `--tune` searches: choices, or least and most.
SEARCH: dict[str, Any] = {
    "layers": (1, 4),
    "width": [32, 64, 128, 256],
    "dropout": (0.0, 0.5),
    "learning_rate": (1e-4, 1e-2, "log"),
    "weight_decay": (1e-4, 1e-1, "log"),
}


def learn(
    model: Model,
    rows: int,
    options: Passes,
    step: Callable[[np.ndarray], Any],
    measure: Callable[[], float],
    copy_weights: Callable[[], Any],
    take_weights: Callable[[Any], Any],
) -> None:
    """Train until answers for the held-out rows no longer improve, and take the best weights; or for as many passes as
    `model.kept` says.

    `step` trains on the rows with the numbers that it is given, `measure` returns the loss on those held out.
    Raises ValueError where no pass over the rows made a loss that is a number.
    """
    random = np.random.default_rng(options.seed)
    least, best, passes = math.inf, None, 0
    most = model.kept or options.epochs
    for epoch in range(1, most + 1):
        order = random.permutation(rows)
        for start in range(0, rows, options.batch_size):
            step(order[start : start + options.batch_size])
        model.report(epoch, most)
        if model.kept:
            continue
        loss = measure()
        if loss < least:
            least, best, passes = loss, copy_weights(), epoch
        if epoch == passes + options.patience:
            break
    if model.kept:
        return
    if best is None:
        raise ValueError(f"the network learns nothing at a learning rate of {options.learning_rate}: try a smaller one")
    take_weights(best)
    model.note_kept(passes, options.epochs, "passes")
