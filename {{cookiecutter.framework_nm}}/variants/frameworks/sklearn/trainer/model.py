"""The model: what is trained, and how it answers. Put your own estimator into `build`."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from ._core import ModelError
from .categories import learn_categories
from .importing import Importable
from .preprocessor import MAX_CATEGORIES, encode, make_encoder

#: What a model.skops may be made of, beside what skops trusts itself. The file has no say: name your own types here.
TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    # What boosting is made of; newer versions of skops trust these, too.
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    *(f"sklearn._loss.{way}Half{loss}Loss" for way in ("loss.", "_loss.Cy") for loss in ("Binomial", "Multinomial")),
    *(f"sklearn._loss.{way}HalfSquaredError" for way in ("loss.", "_loss.Cy")),
    *(f"sklearn._loss.link.{name}" for name in ("IdentityLink", "Interval", "LogitLink", "MultinomialLogit")),
]


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    estimator: Literal["auto", "linear", "boosting", "forest"] = Field(
        "auto", description="a linear model, boosted trees, or a random forest; auto: the better one of the first two"
    )
    C: float = Field(1.0, gt=0, description="how little the weights of a linear model are held back")
    learning_rate: float = Field(0.1, gt=0, le=1, description="how far each boosted tree goes")
    max_leaf_nodes: int = Field(31, ge=2, description="leaves of a boosted tree")
    n_estimators: int = Field(100, ge=1, description="number of trees, in a forest or boosted")
    random_state: int = Field(0, description="random seed of trees")
    weights: Literal["joblib", "skops"] = Field("joblib", description="file format: joblib is a pickle, skops is not")


class MyModel(Importable):
    """A scikit-learn pipeline over encoded columns: `make_encoder` in preprocessor.py, then an estimator.

    scikit-learn is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "scikit-learn"
    WEIGHTS = "model.joblib"
    OTHER_WEIGHTS = ("model.skops",)
    #: What `--tune` searches: choices, or least and most.
    SEARCH = {
        "estimator": ["linear", "boosting", "forest"],
        "C": (0.001, 1000.0, "log"),
        "learning_rate": (0.02, 0.3, "log"),
        "max_leaf_nodes": (4, 64, "log"),
    }

    def build(self, **params: Any) -> None:
        from sklearn import ensemble
        from sklearn.linear_model import LogisticRegression, Ridge

        options = Hyperparameters(**params)
        self.weights = f"model.{options.weights}"
        if options.weights == "skops":
            open_skops()  # rather missing now than after the training
        classify, seed = self.task == "classification", options.random_state
        boosting = ensemble.HistGradientBoostingClassifier if classify else ensemble.HistGradientBoostingRegressor
        #: What cross-validation chooses from, a line each; one alone is trained without a search.
        self.candidates: dict[str, Any] = {
            "linear": LogisticRegression(C=options.C, max_iter=1000) if classify else Ridge(1 / options.C),
            "boosting": boosting(
                learning_rate=options.learning_rate,
                max_iter=options.n_estimators,
                max_leaf_nodes=options.max_leaf_nodes,
                early_stopping=False,
                random_state=seed,
            ),
        }
        if options.estimator == "forest":
            forest = ensemble.RandomForestClassifier if classify else ensemble.RandomForestRegressor
            self.candidates = {"forest": forest(options.n_estimators, n_jobs=self.threads, random_state=seed)}
        elif options.estimator != "auto":
            self.candidates = {options.estimator: self.candidates[options.estimator]}

    def fit(self, X: Any, y: np.ndarray, weights: Any = None) -> None:
        self.state["categories"] = learn_categories(X, MAX_CATEGORIES, self.min_count)
        names = [] if isinstance(X, np.ndarray) else list(X.columns)
        text = [names.index(name) for name in self.state["categories"]]
        encoded = self.encode(X)
        pipelines = {name: self._pipeline(encoded, text, each) for name, each in self.candidates.items()}
        self.model = self.choose(pipelines, encoded, y, weights)
        if hasattr(self.model[-1], "n_jobs"):  # requests are batched before they come here
            self.model[-1].n_jobs = None
        numbers = self.model[0].transform(encoded)
        if isinstance(numbers, np.ndarray):  # a sparse matrix has too many columns to be explained
            self.state["means"] = numbers.mean(axis=0).tolist()

    def _pipeline(self, encoded: Any, text: list[int], estimator: Any) -> Any:
        from sklearn.pipeline import make_pipeline

        kind = type(estimator).__name__
        fill = not kind.startswith("HistGradientBoosting")
        return make_pipeline(make_encoder(encoded, text, fill, fill and not kind.startswith("RandomForest")), estimator)

    def encode(self, X: Any) -> Any:
        return X if self.is_imported else encode(X, self.state["categories"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        if self.is_imported:
            return self.infer_imported(X, proba)
        return self.model.predict_proba(X) if proba else self.model.predict(X)

    def contributions(self, X: Any) -> np.ndarray:
        """Of a linear model its terms, from the mean of the training data on, in log-odds where labels are told apart;
        of trees, in their own scores, what each split on a row's way changes (A. Saabas, "Interpreting random
        forests", 2014)."""
        encoder, estimator = self.trained_steps()
        sources = _sources(encoder, X.shape[1])
        numbers = encoder.transform(X)
        if hasattr(estimator, "coef_"):
            weights, means = np.atleast_2d(estimator.coef_), np.array(self.state["means"])
            terms = (numbers - means)[:, None, :] * weights
            base = np.broadcast_to((estimator.intercept_ + weights @ means)[:, None], (*terms.shape[:2], 1))
        elif hasattr(estimator, "_predictors"):
            terms, base = _of_boosting(estimator, numbers)
        else:
            terms, base = _of_trees(getattr(estimator, "estimators_", [estimator]), numbers)
        return np.concatenate([terms @ np.eye(X.shape[1])[sources], base], axis=2)

    def to_onnx(self) -> bytes:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        columns = [("input", FloatTensorType([None, self.encode(self.preprocess(self.example)).shape[1]]))]
        options = {"zipmap": False} if self.labels is not None else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy's truth values, in skl2onnx
            return to_onnx(self.model, initial_types=columns, options=options).SerializeToString()

    def dump(self, path: Path) -> None:
        if path.suffix == ".skops":
            open_skops().dump(self.model, path, compression=zipfile.ZIP_DEFLATED)
            _check_types(path)
            return
        import joblib

        joblib.dump(self.model, path, compress=3)

    def restore(self, path: Path) -> None:
        if path.suffix == ".skops":
            _check_types(path)
            self.model = open_skops().load(path, trusted=TRUSTED)
            return
        import joblib

        self.model = joblib.load(path)


def open_skops() -> Any:
    try:
        import skops.io
    except ImportError:
        raise ModelError("model.skops is written and read by skops: .venv/bin/pip install -e '.[skops]'") from None
    return skops.io


def _check_types(path: Path) -> None:
    """Raise ModelError where a file needs types that are not trusted; nothing of it is loaded for that."""
    others = sorted(set(open_skops().get_untrusted_types(file=path)) - set(TRUSTED))
    if others:
        raise ModelError(
            f"{path.name} needs types that this project does not trust: {', '.join(others)}. If you know what they do, "
            "name them in TRUSTED in trainer/model.py"
        )


def _sources(encoder: Any, columns: int) -> list[int]:
    """The position, of so many columns, that each number which the fitted encoder makes comes from.

    Goes with `make_encoder` in preprocessor.py. Raises NotImplementedError where it cannot tell.
    """
    if not hasattr(encoder, "transformers_"):
        return list(range(columns))
    sources = []
    for _, part, positions in encoder.transformers_:
        if not hasattr(part, "steps"):
            raise NotImplementedError("this encoder gives no explanations: `_sources` in model.py does not know it")
        for at, position in enumerate(positions):
            sources += [position] * (len(part[-1].categories_[at]) if hasattr(part[-1], "categories_") else 1)
    return sources


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


def _of_boosting(boosted: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each of the encoded features adds to the scores of boosted trees, [rows, scores, features], and the base."""
    base = boosted._baseline_prediction.reshape(-1)
    terms = np.zeros((len(X), len(base), X.shape[1]))
    for trees in boosted._predictors:
        for score, tree in enumerate(trees):
            nodes = tree.nodes
            # The first node has none, and those between are not held back yet, as leaves are.
            values = nodes["value"] * np.where(nodes["is_leaf"], 1.0, boosted.learning_rate)
            at, rows = np.zeros(len(X), int), np.arange(len(X))
            while len(rows := rows[~nodes["is_leaf"][at[rows]].astype(bool)]):
                node = nodes[at[rows]]
                number = X[rows, node["feature_idx"]]
                left = np.where(np.isnan(number), node["missing_go_to_left"], number <= node["num_threshold"])
                then = np.where(left, node["left"], node["right"])
                terms[rows, score, node["feature_idx"]] += values[then] - values[at[rows]]
                at[rows] = then
    return terms, np.broadcast_to(base[:, None], (len(X), len(base), 1))
