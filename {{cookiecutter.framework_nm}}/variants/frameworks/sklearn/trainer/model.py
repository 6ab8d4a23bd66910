"""The model: what is trained, and how it answers. Put your own estimator into `build`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model
from .postprocessor import post_func
from .preprocessor import make_encoder, prep_func


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    estimator: Literal["linear", "forest"] = Field("linear", description="a linear model, or a random forest")
    n_estimators: int = Field(100, ge=1, description="number of trees in a forest")
    random_state: int = Field(0, description="seed of a forest")


class MyModel(Model):
    """A scikit-learn pipeline: `make_encoder` in preprocessor.py, then an estimator.

    scikit-learn is imported where it is needed: a server that runs the compiled twin starts without.
    """

    FRAMEWORK = "scikit-learn"
    WEIGHTS = "model.joblib"

    @staticmethod
    def version() -> str:
        import sklearn

        return sklearn.__version__

    def build(self, **params: Any) -> None:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.linear_model import LogisticRegression, Ridge

        options = Hyperparameters(**params)
        classify = self.task == "classification"
        # Trees need no scaling, and would split elsewhere in the twin, which computes in single precision.
        self.scale = options.estimator == "linear"
        if options.estimator == "linear":
            self.estimator = LogisticRegression(max_iter=1000) if classify else Ridge()
        else:
            forest = RandomForestClassifier if classify else RandomForestRegressor
            self.estimator = forest(options.n_estimators, random_state=options.random_state)

    def preprocess(self, X: Any) -> Any:
        return prep_func(X)

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return post_func(y_hat)

    def fit(self, X: Any, y: np.ndarray) -> None:
        from sklearn.pipeline import make_pipeline

        gaps = any(column.nullable for column in self.signature.columns)
        self.features = X.shape[1]
        self.model = make_pipeline(make_encoder(X, gaps, self.scale), self.estimator).fit(X, y)

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return self.model.predict_proba(X) if proba else self.model.predict(X)

    def to_onnx(self) -> bytes:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        if not self.signature.numeric:
            raise NotImplementedError("columns of text are encoded by scikit-learn only")
        columns = [("input", FloatTensorType([None, self.features]))]
        options = {"zipmap": False} if self.labels is not None else None
        return to_onnx(self.model, initial_types=columns, options=options).SerializeToString()

    def dump(self, path: Path) -> None:
        import joblib

        joblib.dump(self.model, path, compress=3)

    def restore(self, path: Path) -> None:
        import joblib

        self.model = joblib.load(path)
