"""The model: what is trained or imported, and how it answers. Put your own estimator into `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
from pydantic import BaseModel, Field

from ._core import ModelError, find_provider, open_session
from .categories import learn_categories
from .importing import Importable, feed
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    onnx: Optional[Path] = Field(None, description="the same as --model")
    estimator: Literal["linear", "forest"] = Field("linear", description="a linear model, or a random forest")
    n_estimators: int = Field(100, ge=1, description="number of trees in a forest")
    random_state: int = Field(0, description="random seed of a forest")


class MyModel(Importable):
    """An ONNX model on ONNX Runtime: a scikit-learn pipeline, converted, or one made elsewhere.

    Serving needs neither scikit-learn nor the converter. Text becomes numbers in Python, before the graph.
    """

    FRAMEWORK = "onnxruntime"
    WEIGHTS = "model.onnx"
    GIVEN = "onnx"

    @staticmethod
    def version() -> str:
        import onnxruntime

        return onnxruntime.__version__

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)
        self.model = None

    def fit(self, X: Any, y: np.ndarray, weights: Any = None) -> None:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classify = self.labels is not None
        if self.options.estimator == "linear":
            steps = [StandardScaler(), LogisticRegression(max_iter=1000) if classify else Ridge()]
        else:
            forest = RandomForestClassifier if classify else RandomForestRegressor
            steps = [forest(self.options.n_estimators, random_state=self.options.random_state)]
        self.state = {"categories": learn_categories(X, MAX_CATEGORIES, self.min_count)}
        numbers = self.encode(X).astype(np.float32)  # as the graph will see them
        pipeline = make_pipeline(SimpleImputer(keep_empty_features=True), *steps)
        weighted = {f"{pipeline.steps[-1][0]}__sample_weight": weights}
        pipeline.fit(numbers, y if self.labels is None else np.searchsorted(self.labels, y), **weighted)
        graph = to_onnx(
            pipeline,
            initial_types=[("input", FloatTensorType([None, numbers.shape[1]]))],
            options={"zipmap": False} if classify else None,
        )
        self.model = graph.SerializeToString()
        self.state.update(label=None, scores=graph.graph.output[-1].name, proba=classify, order=None)
        self.place()

    def encode(self, X: Any) -> Any:
        return encode(X, self.state["categories"]) if "categories" in self.state else X

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        if proba and not self.state["proba"]:
            raise NotImplementedError("this model gives no probabilities")
        if self.state["label"] and not proba:
            (answer,) = self.session.run([self.state["label"]], feed(self.session.get_inputs(), X))
            return answer.reshape(len(X)).astype(str if answer.dtype == object else answer.dtype)
        (scores,) = self.session.run([self.state["scores"]], feed(self.session.get_inputs(), X))
        if self.labels is not None and isinstance(scores, list):  # of a ZipMap: a dictionary for each row
            scores = np.array([[row[label] for label in self.labels.tolist()] for row in scores])
        elif self.state["order"]:
            scores = scores[:, self.state["order"]]
        return self.from_scores(scores, proba)

    def dump(self, path: Path) -> None:
        path.write_bytes(self.model if isinstance(self.model, bytes) else self.model.read_bytes())

    def restore(self, path: Path) -> None:
        self.model = path

    def place(self) -> None:
        try:
            find_provider(self.device)
            if self.model:
                self.session = open_session(self.model, self.device)
        except Exception as error:  # ONNX Runtime raises kinds of its own
            raise ModelError(f"the model cannot be run: {error}") from error

    @property
    def output_aliases(self) -> dict[str, str]:
        """The names that the graph itself gives to what is served of it."""
        names = {self.state["label"]: "predict"}
        if self.state["proba"] or not self.state["label"]:
            names[self.state["scores"]] = "predict_proba" if self.state["proba"] else "predict"
        return {name: output for name, output in names.items() if name}
