"""The model: what is trained, and how it answers. Put your own layers into `make_network`."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ._core import HeldOut
from .importing import Importable, find_files
from .network import SEARCH, NetworkHyperparameters, learn
from .preprocessor import encode, learn_encoding


class Hyperparameters(NetworkHyperparameters):
    """What `build` takes; each is an option of the training command too. Add your own to those in network.py."""


def make_network(features: int, scores: int, options: Hyperparameters) -> Any:
    """Make a network, still to be trained, from encoded input, [rows, features], to [rows, scores].

    Scores are raw ones of the labels, or the number predicted, standardised.
    """
    from paddle import nn

    widths = [features, *[options.width] * options.layers]
    hidden = [(nn.Linear(n, options.width), nn.ReLU(), nn.Dropout(options.dropout)) for n in widths[:-1]]
    return nn.Sequential(*[part for parts in hidden for part in parts], nn.Linear(widths[-1], scores))


class MyModel(Importable):
    """A PaddlePaddle network over standardised numbers and one-hot categories, saved in Paddle's inference format."""

    FRAMEWORK = "paddlepaddle"
    WEIGHTS = "model"
    SEARCH = SEARCH

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None) -> None:
        paddle = _paddle()
        paddle.seed(self.options.seed)
        self.state["encoding"] = learn_encoding(_flat(X), self.min_count)
        parts = [part for part in (HeldOut(X, y, None), valid) if part]
        inputs = [paddle.to_tensor(self.encode(part.X)) for part in parts]
        if self.labels is None:
            self.state.update(mean=float(y.mean()), deviation=float(y.std()) or 1.0)
            numbers = [(part.y - y.mean()) / self.state["deviation"] for part in parts]
            targets = [paddle.to_tensor(part, dtype="float32").unsqueeze(1) for part in numbers]
            loss = paddle.nn.MSELoss()
        else:
            targets = [paddle.to_tensor(np.searchsorted(self.labels, part.y), dtype="int64") for part in parts]
            loss = paddle.nn.CrossEntropyLoss()
        self.model = make_network(inputs[0].shape[1], 1 if self.labels is None else len(self.labels), self.options)
        self.saved = None
        self._learn(loss, inputs, targets)

    def _learn(self, loss: Any, inputs: list[Any], targets: list[Any]) -> None:
        """Train on the first of each list, until the second one, where there is one, is answered no better."""
        paddle, options, network = _paddle(), self.options, self.model
        optimizer = paddle.optimizer.AdamW(
            options.learning_rate, parameters=network.parameters(), weight_decay=options.weight_decay
        )

        def step(rows: np.ndarray) -> None:
            network.train()
            at = paddle.to_tensor(rows)
            loss(network(inputs[0][at]), targets[0][at]).backward()
            optimizer.step()
            optimizer.clear_grad()

        def measure() -> float:
            network.eval()
            with paddle.no_grad():
                return float(loss(network(inputs[1]), targets[1]))

        def copy_weights() -> Any:
            return {name: weights.clone() for name, weights in network.state_dict().items()}

        learn(self, len(inputs[0]), options, step, measure, copy_weights, network.set_state_dict)
        network.eval()

    def encode(self, X: Any) -> Any:
        return np.asarray(X, np.float32) if self.imported else encode(_flat(X), self.state["encoding"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        if self.saved:
            scores = self.model(X)
        else:
            paddle = _paddle()
            with paddle.no_grad():
                scores = self.model(paddle.to_tensor(X)).numpy()
        if self.imported:
            return self.from_scores(scores, proba)
        scores = scores.astype(np.float64)
        if self.labels is None:
            return self.from_scores(scores * self.state["deviation"] + self.state["mean"], proba)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return self.from_scores(odds / odds.sum(axis=1, keepdims=True), proba)

    def dump(self, path: Path) -> None:
        if self.saved:
            shutil.copytree(self.saved, path)
            return
        paddle = _paddle()
        encoded = self.encode(self.preprocess(self.example))
        spec = paddle.static.InputSpec([None, encoded.shape[1]], "float32", "input")
        paddle.jit.save(self.model, str(path / "model"), input_spec=[spec])

    def restore(self, path: Path) -> None:
        self.saved = path
        self.model = _open(path)


def _flat(X: Any) -> Any:
    """Tensors laid out in a row each, [rows, numbers]; anything else as it is."""
    return X.reshape(len(X), -1) if isinstance(X, np.ndarray) else X


def _open(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What runs the model in a folder, from [rows, features] to [rows, scores]."""
    inference = _paddle().inference
    config = inference.Config(*find_files(folder))
    config.disable_glog_info()
    config.disable_mkldnn()  # for a few rows, it takes three times as long, and it rounds differently
    predictor = inference.create_predictor(config)
    (given,) = map(predictor.get_input_handle, predictor.get_input_names())
    (found,) = map(predictor.get_output_handle, predictor.get_output_names())

    def run(X: np.ndarray) -> np.ndarray:
        given.copy_from_cpu(X)
        predictor.run()
        scores: np.ndarray = found.copy_to_cpu()
        return scores

    return run


def _paddle() -> Any:
    """PaddlePaddle without its log of successes, and its warning that it could not compile code quickly."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No ccache found")
        import paddle
    return paddle
