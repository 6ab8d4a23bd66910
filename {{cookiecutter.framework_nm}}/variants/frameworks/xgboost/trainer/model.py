"""The model: what is trained, and how it answers. Put your own parameters into `build`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from pydantic import BaseModel, Field

from ._core import Model
from .postprocessor import post_func
from .preprocessor import encode, learn_categories, prep_func


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    rounds: int = Field(100, ge=1, description="boosting rounds")
    max_depth: int = Field(6, ge=0, description="depth of a tree; 0 is no limit")
    learning_rate: float = Field(0.3, gt=0, le=1, description="how far each round goes")
    seed: int = Field(0, description="seed of sampling")


class MyModel(Model):
    """An XGBoost booster. It needs no scikit-learn, and neither does the image that serves it."""

    FRAMEWORK = "xgboost"
    VERSION = xgboost.__version__
    WEIGHTS = "model.ubj"

    def build(self, **params: Any) -> None:
        options = Hyperparameters(**params)
        self.rounds = options.rounds
        self.params = options.model_dump(exclude={"rounds"})

    def preprocess(self, X: Any) -> Any:
        return prep_func(X)

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return post_func(y_hat)

    def fit(self, X: Any, y: np.ndarray) -> None:
        if self.labels is None:
            objective: dict[str, Any] = {"objective": "reg:squarederror"}
        else:
            y = np.searchsorted(self.labels, y)
            several = {"objective": "multi:softprob", "num_class": len(self.labels)}
            objective = several if len(self.labels) > 2 else {"objective": "binary:logistic"}
        self.categories = learn_categories(X)
        names = [None] * X.shape[1] if isinstance(X, np.ndarray) else X.columns
        data = xgboost.DMatrix(
            encode(X, self.categories),
            label=y,
            feature_types=["c" if name in self.categories else "q" for name in names],
            enable_categorical=True,
        )
        self.model = xgboost.train({**self.params, **objective}, data, self.rounds, callbacks=[_Rounds(self)])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        scores = self.model.inplace_predict(encode(X, self.categories)).astype(np.float64)
        if self.labels is None:
            return scores
        if scores.ndim == 1:
            scores = np.column_stack([1 - scores, scores])
        return scores if proba else self.labels[scores.argmax(axis=1)]

    def dump(self, path: Path) -> None:
        self.model.set_attr(categories=json.dumps(self.categories))
        self.model.save_model(path)

    def restore(self, path: Path) -> None:
        self.model = xgboost.Booster(model_file=path)
        self.categories = json.loads(self.model.attr("categories"))


class _Rounds(xgboost.callback.TrainingCallback):
    """Tells the progress display how many rounds are done."""

    def __init__(self, model: MyModel) -> None:
        super().__init__()
        self.owner = model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.owner.report(epoch + 1, self.owner.rounds)
        return False
