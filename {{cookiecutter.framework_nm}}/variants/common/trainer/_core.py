"""The one step from your rooms into the engine: what `MyModel` stands on, and what your files take from there.

Not here: anything of yours; that goes into `model.py`, `preprocessor.py`, `postprocessor.py` and `utils.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._engine.artifact.compiled import find_provider, open_session
from .._engine.contract.errors import ModelError, Unanswerable
from .._engine.contract.signature import Column, Signature, Tensor
from .._engine.training import fitted
from .._engine.training import model as _training
from .._engine.training.places import HeldOut

# Last: your files take the names above from this module, and may be imported before it.
from . import postprocessor, preprocessor

__all__ = [
    "Column",
    "HeldOut",
    "Model",
    "ModelError",
    "Signature",
    "Tensor",
    "Unanswerable",
    "find_provider",
    "fitted",
    "open_session",
]


class Model(_training.Model):
    """The engine's model, with your preprocessing before it and your postprocessing behind it."""

    def preprocess(self, X: Any) -> Any:
        return preprocessor.prep_func(self.derive(X))

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return postprocessor.post_func(y_hat)
