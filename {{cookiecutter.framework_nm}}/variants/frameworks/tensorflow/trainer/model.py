"""The model: what is trained, and how it answers. Put your own layers into `make_network`."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ._core import HeldOut, ModelError
from .importing import Importable, SavedModel
from .network import SEARCH, NetworkHyperparameters, learn
from .preprocessor import encode, learn_encoding

# TensorFlow logs a lot while it starts, one line of it only with these kernels, which also round differently.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


class Hyperparameters(NetworkHyperparameters):
    """What `build` takes; each is an option of the training command too. Add your own to those in network.py."""


def make_network(shape: tuple[int, ...], scores: int, layers: int, width: int, dropout: float) -> Any:
    """Make a network, still to be trained, from encoded input, [rows, *shape], to [rows, scores].

    Scores are raw ones of the labels, or the number predicted, standardised. Layers of Keras are saved with all
    that they are; layers of your own need keras.saving.register_keras_serializable.
    """
    from keras import Input, Sequential
    from keras.layers import Dense, Dropout, Flatten

    hidden = [(Dense(width, activation="relu"), Dropout(dropout)) for _ in range(layers)]
    return Sequential([Input(shape), Flatten(), *[part for parts in hidden for part in parts], Dense(scores)])


class MyModel(Importable):
    """A Keras network over standardised numbers and one-hot categories, on TensorFlow or on what KERAS_BACKEND names.

    Keras is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "keras"
    WEIGHTS = "model.keras"
    SEARCH = SEARCH

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None) -> None:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(self.threads))
        import keras

        options = self.options
        keras.utils.set_random_seed(options.seed)
        self.state["encoding"] = learn_encoding(X, self.min_count)
        parts = [part for part in (HeldOut(X, y, None), valid) if part]
        inputs = [self.encode(part.X) for part in parts]
        loss: Any
        if self.labels is None:
            mean, deviation = y.mean(), y.std() or 1.0
            targets, loss = [(part.y - mean) / deviation for part in parts], keras.losses.MeanSquaredError()
            scores, head = 1, keras.layers.Rescaling(deviation, mean)
        else:
            targets = [np.searchsorted(self.labels, part.y) for part in parts]
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            scores, head = len(self.labels), keras.layers.Softmax()
        with self._device():
            sizes = options.model_dump(include={"layers", "width", "dropout"})
            network = make_network(inputs[0].shape[1:], scores, **sizes)
            optimizer = keras.optimizers.AdamW(options.learning_rate, weight_decay=options.weight_decay)
            network.compile(optimizer, loss)
            self._learn(network, inputs, targets)
            self.model = keras.Sequential([network, head])

    def _learn(self, network: Any, inputs: list[np.ndarray], targets: list[np.ndarray]) -> None:
        """Train on the first of each list, until the second one, where there is one, is answered no better; not by
        Keras' own fit, which takes a tenth of a second around each pass: more than most passes take."""

        def step(rows: np.ndarray) -> None:
            network.train_on_batch(inputs[0][rows], targets[0][rows])

        def measure() -> float:
            network.reset_metrics()
            return float(network.test_on_batch(inputs[1], targets[1]))

        learn(self, len(inputs[0]), self.options, step, measure, network.get_weights, network.set_weights)

    def encode(self, X: Any) -> Any:
        return np.asarray(X, np.float32) if self.imported else encode(X, self.state["encoding"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        with self._device():
            scores = self.model.predict_on_batch(X)  # compiled, where a plain call is not
        return self.from_scores(scores, proba)

    def to_onnx(self) -> bytes:
        self.model(self.encode(self.preprocess(self.example)))  # Keras exports no model that was never called
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)  # by Keras, in Keras
            file = Path(folder) / "model.onnx"
            self.model.export(file, format="onnx", verbose=False)
            return file.read_bytes()

    def dump(self, path: Path) -> None:
        self.model.save(path)

    def restore(self, path: Path) -> None:
        # Requests are batched before they come here, and TensorFlow would count the cores of the whole machine.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        import keras

        self.place()
        with self._device():
            if path.is_dir():
                self.model = SavedModel(path)
            else:
                self.model = keras.saving.load_model(path, compile=False, safe_mode=True)

    def place(self) -> None:
        if self.device == "cpu":
            return
        import keras

        if not keras.distribution.list_devices("gpu"):
            raise ModelError(
                f"the device {self.device} was requested, but Keras finds no GPU: it needs one, "
                "and the package tensorflow[and-cuda] instead of tensorflow-cpu"
            )

    def _device(self) -> Any:
        """Where variables are made and layers run, for a `with`: else they go to a GPU where there is one."""
        import keras

        return keras.device("cpu:0" if self.device == "cpu" else "gpu:0")
