"""The model: what is trained, and how it answers. Put your own layers into `make_network`."""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model, ModelError
from .preprocessor import encode, learn_encoding

# TensorFlow says a lot while it starts, and one line of it only with these kernels, which also round differently.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    layers: int = Field(2, ge=0, description="hidden layers")
    width: int = Field(64, ge=1, description="units in each of them")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out at a time in training")
    learning_rate: float = Field(0.003, gt=0, description="how far each step goes")
    weight_decay: float = Field(0.01, ge=0, description="how strongly weights are kept small")
    batch_size: int = Field(64, ge=1, description="rows in a step")
    epochs: int = Field(200, ge=1, description="at most so many passes over the rows")
    patience: int = Field(20, ge=1, description="passes without progress on held-out rows, after which training ends")
    seed: int = Field(0, ge=0, description="seed of the weights, the order of rows, and those held out")


def make_network(shape: tuple[int, ...], scores: int, layers: int, width: int, dropout: float) -> Any:
    """Make a network, still to be trained, from encoded input, [rows, *shape], to [rows, scores].

    Scores are raw ones of the labels, or the number predicted, standardised. Layers of Keras are saved with all
    that they are; layers of your own need keras.saving.register_keras_serializable.
    """
    from keras import Input, Sequential
    from keras.layers import Dense, Dropout, Flatten

    hidden = [(Dense(width, activation="relu"), Dropout(dropout)) for _ in range(layers)]
    return Sequential([Input(shape), Flatten(), *[part for parts in hidden for part in parts], Dense(scores)])


class MyModel(Model):
    """A Keras network over standardised numbers and one-hot categories, on TensorFlow or on what KERAS_BACKEND names.

    Keras is imported where it is needed: a server that runs the compiled twin starts without.
    """

    FRAMEWORK = "keras"
    WEIGHTS = "model.keras"

    @staticmethod
    def version() -> str:
        return importlib.metadata.version("keras")

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)

    def fit(self, X: Any, y: np.ndarray) -> None:
        import keras

        options = self.options
        keras.utils.set_random_seed(options.seed)
        self.state["encoding"] = learn_encoding(X)
        inputs = self.encode(X)
        loss: Any
        if self.labels is None:
            mean, deviation = y.mean(), y.std() or 1.0
            targets, loss = (y - mean) / deviation, keras.losses.MeanSquaredError()
            scores, head = 1, keras.layers.Rescaling(deviation, mean)
        else:
            targets = np.searchsorted(self.labels, y)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            scores, head = len(self.labels), keras.layers.Softmax()
        with self._device():
            sizes = options.model_dump(include={"layers", "width", "dropout"})
            network = make_network(inputs.shape[1:], scores, **sizes)
            optimizer = keras.optimizers.AdamW(options.learning_rate, weight_decay=options.weight_decay)
            network.compile(optimizer, loss)
            self._learn(network, inputs, targets)
            self.model = keras.Sequential([network, head])

    def _learn(self, network: Any, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Train until the rows held out, a fifth, are not answered better any more; keep the best weights."""
        options = self.options
        random = np.random.default_rng(options.seed)
        held, rest = np.split(random.permutation(len(inputs)), [len(inputs) // 5])
        if not len(held):
            held = rest
        least, since, best = np.inf, 0, network.get_weights()
        # Not by Keras' own fit, which takes a tenth of a second around each pass: more than passes over most tables.
        for epoch in range(options.epochs):
            random.shuffle(rest)
            for start in range(0, len(rest), options.batch_size):
                rows = rest[start : start + options.batch_size]
                network.train_on_batch(inputs[rows], targets[rows])
            network.reset_metrics()
            now = network.test_on_batch(inputs[held], targets[held])
            since += 1
            if now < least:
                least, since, best = now, 0, network.get_weights()
            if since == options.patience:
                break
            self.report(epoch + 1, options.epochs)
        if least == np.inf:
            raise ValueError(
                f"the network learns nothing at a learning rate of {options.learning_rate}: try a smaller one"
            )
        network.set_weights(best)

    def encode(self, X: Any) -> Any:
        return encode(X, self.state["encoding"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        with self._device():
            scores = self.model.predict_on_batch(X).astype(np.float64)  # compiled, where a plain call is not
        if self.labels is None:
            return scores[:, 0]
        return scores if proba else self.labels[scores.argmax(axis=1)]

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
        # Requests are put together before they come here, and TensorFlow would count the cores of the whole machine.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        import keras

        self.place()
        with self._device():
            self.model = keras.saving.load_model(path, compile=False, safe_mode=True)

    def place(self) -> None:
        if self.device == "cpu":
            return
        import keras

        if not keras.distribution.list_devices("gpu"):
            raise ModelError(
                f"Keras finds no GPU, and the device {self.device} is asked for: it needs a GPU, "
                "and the package tensorflow[and-cuda] instead of tensorflow-cpu"
            )

    def _device(self) -> Any:
        """Where variables are made and layers run, for a `with`: else they go to a GPU where there is one."""
        import keras

        return keras.device("cpu:0" if self.device == "cpu" else "gpu:0")
