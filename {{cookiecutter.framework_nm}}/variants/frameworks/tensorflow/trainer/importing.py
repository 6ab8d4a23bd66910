"""Networks that were made elsewhere: Keras', or a SavedModel of TensorFlow's.

Not here: the network that is trained, and how either answers (model.py).
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ._core import Model, Signature

# A search, folds and new versions make one network after another. TensorFlow takes them for one that it traces again
# and again, and says so in a long warning.
logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())


class Importable(Model):
    """A model that may also have been made elsewhere."""

    OTHER_WEIGHTS = ("model",)  # a SavedModel
    IMPORTS = ("*.keras", "*/saved_model.pb")

    def open_weights(self, path: Path) -> None:
        self.weights = self.WEIGHTS if path.is_file() else "model"
        self.restore(path)

    def read_signature(self, X: Any = None) -> Signature:
        inputs = self.model.inputs if isinstance(self.model, SavedModel) else {"input-0": self.model.input_shape}
        name, shape = next((name, shape[1:]) for name, shape in inputs.items())
        if len(inputs) > 1 or not all(isinstance(size, int) for size in shape):
            raise ValueError(
                f"expected one input [rows, ...] of fixed sizes but the rows; the model takes {[*inputs.values()]}"
            )
        return self.read_network(X, lambda rows: self.infer(rows, True), shape, name)  # which are raw scores as yet


class SavedModel:
    """A SavedModel in the place of a Keras model, with what model.py calls of one."""

    def __init__(self, folder: Path) -> None:
        import tensorflow

        self.folder = folder
        self._loaded = tensorflow.saved_model.load(str(folder))  # its signatures alone would lose their variables
        self._serve = self._loaded.signatures["serving_default"]

    @property
    def inputs(self) -> dict[str, Any]:
        """The shape of each input by its name, with None where any size will do."""
        return {name: tuple(spec.shape) for name, spec in self._serve.structured_input_signature[1].items()}

    def predict_on_batch(self, X: np.ndarray) -> np.ndarray:
        import tensorflow

        (name,) = self.inputs
        (scores,) = self._serve(**{name: tensorflow.constant(X)}).values()
        return scores.numpy()

    __call__ = predict_on_batch

    def save(self, path: Path) -> None:
        shutil.copytree(self.folder, path)

    def export(self, path: Path, **options: Any) -> None:
        raise NotImplementedError("there is none for a SavedModel")
