"""The model: a worked example in plain NumPy. Replace what stands between the lines by your own.

Any library will do, if it can write its weights to a file or a folder: add it to requirements.txt, import it inside
the methods that need it, and keep to what each of them says that it takes and gives. `make test` tells what is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model, Signature
from .categories import learn_categories
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    # ================= your hyperparameters: a name, a type, a default, and a word on it ================= #
    steps: int = Field(500, ge=1, description="steps of gradient descent")
    penalty: float = Field(0.001, ge=0, description="strength of the penalty on large weights")
    # ===================================================================================================== #


class MyModel(Model):
    """A linear model, trained by gradient descent: softmax regression for labels, least squares for numbers.

    Three more methods are there to be filled in or left out, see `Model` in _core.py: `contributions` explains
    predictions, `to_onnx` makes a compiled model, and `place` moves the model to a GPU.
    """

    # ================= your library's name, as in metadata.json, and the name of the weights ============= #
    FRAMEWORK = "numpy"
    WEIGHTS = "model.npz"

    # ===================================================================================================== #

    @staticmethod
    def version() -> str:
        """The library's version: a model that was saved with another one is loaded with a warning."""
        # ================================================================================================= #
        return np.__version__
        # ================================================================================================= #

    def build(self, **params: Any) -> None:
        """Make an untrained model; `self.task` is "classification" or "regression"."""
        # ================================================================================================= #
        self.options = Hyperparameters(**params)
        # ================================================================================================= #

    def fit(self, X: Any, y: np.ndarray) -> None:
        """Train on preprocessed input. X has the columns of the file: a float64 array if all are numbers, else a
        DataFrame; missing values are NaN, and None in text. y has a label per row, of those in `self.labels`, which are
        sorted; or a number per row, and then `self.labels` is None.
        """
        # ================= what is learnt for `encode` is kept in `self.state`, as JSON ====================== #
        categories = learn_categories(X, MAX_CATEGORIES, self.min_count)
        known = np.ma.masked_invalid(encode(X, categories))
        spread = known.std(axis=0).filled(0)
        self.state = {
            "categories": categories,
            "means": known.mean(axis=0).filled(0).tolist(),
            "spread": np.where(spread > 0, spread, 1).tolist(),
        }
        features = self.encode(X)
        # ================= train, and keep what was learnt, in `self.model` for example ====================== #
        wanted = y[:, None] if self.labels is None else (y[:, None] == self.labels).astype(float)
        weights = np.zeros((features.shape[1], wanted.shape[1]))
        bias = wanted.mean(axis=0) if self.labels is None else np.zeros(wanted.shape[1])
        # A step that is never too large: one over the largest curvature, to which the bias adds 1.
        step = 1 / (np.linalg.norm(features.T @ features, 2) / len(features) + self.options.penalty + 1)
        for done in range(self.options.steps):
            error = self._activate(features @ weights + bias) - wanted
            weights -= step * (features.T @ error / len(features) + self.options.penalty * weights)
            bias -= step * error.mean(axis=0)
            self.report(done + 1, self.options.steps)  # what the progress bar shows
        self.model = {"weights": weights, "bias": bias}
        # ================================================================================================= #

    def encode(self, X: Any) -> Any:
        """Turn preprocessed input into what `infer` takes, with what `fit` has learnt: here features of one size around
        zero, where the mean takes the place of a missing value."""
        # ================================================================================================= #
        features = encode(X, self.state["categories"])
        return np.nan_to_num((features - self.state["means"]) / self.state["spread"], nan=0.0)
        # ================================================================================================= #

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        """Answer encoded input, a prediction for each row, in order: a number, or one of `self.labels`.

        With `proba`, a row of probabilities for each row, in the order of `self.labels`; raise NotImplementedError if
        your model has none.
        """
        # ================================================================================================= #
        scores = self._activate(X @ self.model["weights"] + self.model["bias"])
        return self.from_scores(scores, proba)
        # ================================================================================================= #

    def dump(self, path: Path) -> None:
        """Write the weights to this file, or make a folder there."""
        # ================================================================================================= #
        np.savez(path, **self.model)
        # ================================================================================================= #

    def restore(self, path: Path) -> None:
        """Read what `dump` wrote. The file may come from anywhere: read it as data, not as code to be run."""
        # ================================================================================================= #
        with np.load(path, allow_pickle=False) as arrays:
            self.model = dict(arrays)
        # ================================================================================================= #

    def read_signature(self, X: Any = None) -> Signature:
        """Say what a model takes that was made elsewhere, and was read by `restore`: `--model FILE` imports it. X is a
        DataFrame of `--data`, or None."""
        # ================= its labels, or none; how many columns; and what `encode` is to know ================ #
        features, scores = self.model["weights"].shape
        if scores == 1:
            self.task = "regression"
        else:
            self.number_labels(scores)
        self.state.update(categories={}, means=[0.0] * features, spread=[1.0] * features)
        return Signature(self.columns_of(X, features))
        # ================================================================================================= #

    def _activate(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities where labels are told apart, by softmax; numbers as they are."""
        if self.labels is None:
            return scores
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)
