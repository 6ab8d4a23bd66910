"""The model: what is trained, and how it answers. Put your own estimator into `build`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model, ModelError
from .preprocessor import make_encoder

#: What a model.skops may be made of, beside what skops trusts itself. The file has no say: name your own types here.
TRUSTED = ["numpy.dtype", "sklearn.tree._tree.Tree"]


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    estimator: Literal["linear", "forest"] = Field("linear", description="a linear model, or a random forest")
    n_estimators: int = Field(100, ge=1, description="number of trees in a forest")
    random_state: int = Field(0, description="random seed of a forest")
    weights: Literal["joblib", "skops"] = Field("joblib", description="file format: joblib is a pickle, skops is not")


class MyModel(Model):
    """A scikit-learn pipeline: `make_encoder` in preprocessor.py, then an estimator.

    scikit-learn is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "scikit-learn"
    WEIGHTS = "model.joblib"
    OTHER_WEIGHTS = ("model.skops",)

    def build(self, **params: Any) -> None:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.linear_model import LogisticRegression, Ridge

        options = Hyperparameters(**params)
        self.weights = f"model.{options.weights}"
        if options.weights == "skops":
            _skops()  # rather missing now than after the training
        classify = self.task == "classification"
        # Trees need no scaling, and would split elsewhere in the compiled model, which computes in single precision.
        self.scale = options.estimator == "linear"
        if options.estimator == "linear":
            self.estimator = LogisticRegression(max_iter=1000) if classify else Ridge()
        else:
            forest = RandomForestClassifier if classify else RandomForestRegressor
            self.estimator = forest(options.n_estimators, random_state=options.random_state)

    def fit(self, X: Any, y: np.ndarray, weights: Any = None) -> None:
        from sklearn.pipeline import make_pipeline

        missing = any(column.nullable for column in self.signature.columns)
        self.model = make_pipeline(make_encoder(X, missing, self.scale), self.estimator)
        # Some estimators of scikit-learn take none.
        weighted = {} if weights is None else {f"{self.model.steps[-1][0]}__sample_weight": weights}
        self.model.fit(X, y, **weighted)
        numbers = self.model[0].transform(X)
        if isinstance(numbers, np.ndarray):  # a sparse matrix has too many columns to be explained
            self.state["means"] = numbers.mean(axis=0).tolist()

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return self.model.predict_proba(X) if proba else self.model.predict(X)

    def contributions(self, X: Any) -> np.ndarray:
        """Of a linear model its terms, from the mean of the training data on, in log-odds where labels are told apart;
        of trees, in their own scores, what each split on a row's way changes (A. Saabas, "Interpreting random
        forests", 2014)."""
        encoder, estimator = self.model[0], self.model[-1]
        names = list(X.columns) if hasattr(X, "columns") else list(range(X.shape[1]))
        origins = _sources(encoder, names)
        numbers = encoder.transform(X)
        if hasattr(estimator, "coef_"):
            weights, means = np.atleast_2d(estimator.coef_), np.array(self.state["means"])
            terms = (numbers - means)[:, None, :] * weights
            base = np.broadcast_to((estimator.intercept_ + weights @ means)[:, None], (*terms.shape[:2], 1))
        else:
            terms, base = _of_trees(getattr(estimator, "estimators_", [estimator]), numbers)
        belongs = np.array([[origin == name for name in names] for origin in origins], float)
        return np.concatenate([terms @ belongs, base], axis=2)

    def to_onnx(self) -> bytes:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        if not self.signature.numeric:
            raise NotImplementedError("columns of text are encoded by scikit-learn only")
        columns = [("input", FloatTensorType([None, self.preprocess(self.example).shape[1]]))]
        options = {"zipmap": False} if self.labels is not None else None
        return to_onnx(self.model, initial_types=columns, options=options).SerializeToString()

    def dump(self, path: Path) -> None:
        if path.suffix == ".skops":
            _skops().dump(self.model, path, compression=zipfile.ZIP_DEFLATED)
            _check_types(path)
            return
        import joblib

        joblib.dump(self.model, path, compress=3)

    def restore(self, path: Path) -> None:
        if path.suffix == ".skops":
            _check_types(path)
            self.model = _skops().load(path, trusted=TRUSTED)
            return
        import joblib

        self.model = joblib.load(path)


def _skops() -> Any:
    try:
        import skops.io
    except ImportError:
        raise ModelError("model.skops is written and read by skops: pip install '.[skops]'") from None
    return skops.io


def _check_types(path: Path) -> None:
    """Raise ModelError where a file needs types that are not trusted; nothing of it is loaded for that."""
    others = sorted(set(_skops().get_untrusted_types(file=path)) - set(TRUSTED))
    if others:
        raise ModelError(
            f"{path.name} needs types that this project does not trust: {', '.join(others)}. If you know what they do, "
            "name them in TRUSTED in trainer/model.py"
        )


def _sources(encoder: Any, names: list[Any]) -> list[Any]:
    """The column, of those with these names, that each number which the fitted encoder makes comes from.

    Goes with `make_encoder` in preprocessor.py. Raises NotImplementedError where it cannot tell.
    """
    if not hasattr(encoder, "transformers_"):
        return names
    if encoder.transformers_[1:] == [] or not hasattr(encoder.transformers_[1][1], "categories_"):
        raise NotImplementedError("this encoder gives no explanations: `_sources` in model.py does not know it")
    (_, _, numbers), (_, text, texts), *_ = encoder.transformers_
    widths = [
        len(categories) - (0 if rare is None else len(rare) - 1)
        for categories, rare in zip(text.categories_, text.infrequent_categories_)
    ]
    return [*numbers, *(name for name, width in zip(texts, widths) for _ in range(width))]


def _of_trees(trees: list[Any], X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each of the encoded features adds to a forest's scores, [rows, scores, features], and the base."""
    if not all(hasattr(tree, "tree_") for tree in trees):
        raise NotImplementedError("this estimator is neither linear nor made of trees: it gives no explanations")
    terms: Any = 0.0
    bases: Any = 0.0
    for tree in (tree.tree_ for tree in trees):
        scores = tree.value[:, 0] / (tree.value[:, 0].sum(axis=1, keepdims=True) if tree.n_classes[0] > 1 else 1)
        changes = np.zeros((tree.node_count, scores.shape[1], X.shape[1]))
        for children in (tree.children_left, tree.children_right):
            parents = np.flatnonzero(children > 0)
            changes[children[parents], :, tree.feature[parents]] = scores[children[parents]] - scores[parents]
        ways = tree.decision_path(X.astype(np.float32))
        terms += (ways @ changes.reshape(tree.node_count, -1)).reshape(len(X), *changes.shape[1:]) / len(trees)
        bases += scores[0] / len(trees)
    return terms, np.broadcast_to(bases[:, None], (len(X), len(bases), 1))
