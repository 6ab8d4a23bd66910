"""A model for tests of what holds for every model: the part that is not its answers. It is stored as a pickle."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from _engine.training.model import Model


class Pickled(Model):
    """What `fit` makes is `model`; `infer` answers by it."""

    FRAMEWORK = "test"
    WEIGHTS = "model.pkl"

    @staticmethod
    def version() -> str:
        return "1.0"

    def build(self, **params: Any) -> None:
        pass

    def preprocess(self, X: Any) -> Any:
        return X

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return y_hat

    def dump(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self.model))

    def restore(self, path: Path) -> None:
        self.model = pickle.loads(path.read_bytes())
