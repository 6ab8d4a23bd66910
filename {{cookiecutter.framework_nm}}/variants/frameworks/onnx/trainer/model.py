"""The model: what is trained or imported, and how it answers. Put your own estimator into `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
from pydantic import BaseModel, Field

from ._core import Column, Model, ModelError, Signature, find_provider, open_session
from .categories import learn_categories
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    onnx: Optional[Path] = Field(None, description="the same as --model")
    estimator: Literal["linear", "forest"] = Field("linear", description="a linear model, or a random forest")
    n_estimators: int = Field(100, ge=1, description="number of trees in a forest")
    random_state: int = Field(0, description="random seed of a forest")


class MyModel(Model):
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
            (answer,) = self.session.run([self.state["label"]], self._feed(X))
            return answer.reshape(len(X)).astype(str if answer.dtype == object else answer.dtype)
        (scores,) = self.session.run([self.state["scores"]], self._feed(X))
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

    def _feed(self, X: Any) -> dict[str, np.ndarray]:
        """The inputs of the graph by name: all columns in the only one, or one column each."""
        inputs = self.session.get_inputs()
        if len(inputs) == 1:
            return {inputs[0].name: _cast(X, inputs[0].type).reshape(len(X), *_row(inputs[0]))}
        columns = X.T if isinstance(X, np.ndarray) else [X[name] for name in X.columns]
        return {
            item.name: _cast(column, item.type).reshape(len(X), *_row(item)) for item, column in zip(inputs, columns)
        }

    # -- a model made elsewhere -------------------------------------------------------------------------------

    def open_weights(self, path: Path) -> None:
        self.model = path.read_bytes()

    def read_signature(self, X: Any = None) -> Signature:
        """A column for each input of the graph, or for each feature of its only one, which X may name."""
        signature = Signature(_columns(self.session.get_inputs(), X))
        row = signature.blank() if X is None else signature.conform(X)[:1]
        try:
            answers = self.session.run(None, self._feed(row))
        except Exception as error:  # ONNX Runtime raises kinds of its own
            tried = "zeros and empty text: name rows that it knows with --data" if X is None else "the first row"
            raise ValueError(f"the model does not answer {tried}; {error}") from None
        self._read_outputs(self.session.get_outputs(), answers)
        return signature

    def _read_outputs(self, outputs: list[Any], answers: list[Any]) -> None:
        """Tell the label from the scores by their types, and probabilities from other scores by a row's answer.

        A number alone is a regression. Of several without a label the largest is the label's, 0 to n-1, unless
        `task` says that they are what is predicted.
        """
        labels = [item for item in outputs if TYPES.get(item.type, (None, None))[1] in LABELS]
        scores = [item for item in outputs if item not in labels]
        if (
            len(labels) > 1
            or len(scores) > 1
            or any(np.shape(answer) != (1, *np.shape(answer)[1:2]) for answer in answers)
        ):
            raise ValueError(f"expected a label, scores, or both, each [rows] or [rows, n]; {_found(outputs)}")
        self.state = {"label": None, "scores": None, "proba": False, "order": None}
        if labels:
            self.state["label"] = labels[0].name
        regression = not labels and (np.size(answers[0]) == 1 or self.task == "regression")
        self.task = "regression" if regression else "classification"
        if not scores:
            return
        self.state["scores"] = scores[0].name
        answer = answers[outputs.index(scores[0])]
        known = None
        if isinstance(answer, list):  # of a ZipMap
            known, answer = sorted(answer[0]), [*answer[0].values()]
        elif np.size(answer) > 1 and not regression:
            known = _labels_in(self.model, np.size(answer), text=bool(labels) and labels[0].type == "tensor(string)")
            self.state["order"] = known and np.argsort(known).tolist()
        self.labels = np.array(sorted(known)) if known else None
        self.state["proba"] = bool(known and np.min(answer) >= 0 and np.isclose(np.sum(answer), 1, atol=1e-4))


#: The tensors that are understood: the signature's datatype for an input, and numpy's type.
TYPES: dict[str, tuple[Any, Any]] = {
    "tensor(float)": ("FP64", np.float32),
    "tensor(double)": ("FP64", np.float64),
    "tensor(float16)": ("FP64", np.float16),
    "tensor(int64)": ("FP64", np.int64),
    "tensor(int32)": ("FP64", np.int32),
    "tensor(uint8)": ("FP64", np.uint8),
    "tensor(bool)": ("BOOL", np.bool_),
    "tensor(string)": ("BYTES", np.object_),
}
LABELS = (np.int64, np.int32, np.bool_, np.object_)


def _found(items: list[Any]) -> str:
    return "found " + ", ".join(f"{item.name!r}, {item.type} {item.shape}" for item in items)


def _row(item: Any) -> list[int]:
    """The shape of a row of an input; the only free size that is left is that of a table."""
    return [size if isinstance(size, int) else -1 for size in item.shape[1:]]


def _cast(values: Any, kind: str) -> np.ndarray:
    values = np.asarray(values)
    if kind == "tensor(string)":
        return np.array(["" if value is None else value for value in values.ravel()], dtype=object)
    return values.astype(TYPES[kind][1])


def _columns(inputs: list[Any], X: Any) -> tuple[Column, ...]:
    """The columns that a graph with these inputs takes, or is given in X."""
    found = _found(inputs)
    if any(item.type not in TYPES for item in inputs):
        raise ValueError(f"expected inputs of type {', '.join(TYPES)}; {found}")
    if any(not item.shape or isinstance(item.shape[0], int) for item in inputs):
        raise ValueError(f"the first dimension of an input must be free: it counts the rows; {found}")
    seen = {} if X is None else {column.name: column.nullable for column in Signature.learn(X).columns}
    first, datatype = inputs[0], TYPES[inputs[0].type][0]
    if all(item.shape[1:] in ([], [1]) for item in inputs):
        return tuple(Column(item.name, TYPES[item.type][0], seen.get(item.name, False)) for item in inputs)
    if len(inputs) > 1:
        raise ValueError(f"of several inputs each must be a column, [rows, 1]; {found}")
    if len(first.shape) == 2:
        width = first.shape[1] if isinstance(first.shape[1], int) else len(seen)
        if not width:
            raise ValueError(f"the number of columns is open: name a table that has them with --data; {found}")
        if seen and len(seen) != width:
            raise ValueError(f"the model takes {width} columns, but the data has {len(seen)}")
        return tuple(Column(name, datatype, seen.get(name, False)) for name in seen or [f"x{i}" for i in range(width)])
    if datatype != "FP64" or not all(isinstance(size, int) for size in first.shape[1:]):
        raise ValueError(f"tensors must hold numbers, and all sizes but the first must be fixed; {found}")
    return (Column(first.name, "FP64", shape=tuple(first.shape[1:])),)


def _labels_in(content: bytes, count: int, text: bool) -> list[Any] | None:
    """The labels in an ONNX graph, in the order of its scores: those of a classifier, or of a table that the label
    is taken from; 0 to n-1 if it has none, or None where they are text."""
    import onnx

    graph = onnx.load_from_string(content).graph
    lists = [
        [item.decode() for item in attribute.strings] if text else list(attribute.ints)
        for node in graph.node
        for attribute in node.attribute
        if attribute.name.startswith("classlabels_")
    ]
    tables = {node.input[0] for node in graph.node if node.op_type == "ArrayFeatureExtractor"}
    for item in graph.initializer:
        if item.name in tables:
            values = onnx.numpy_helper.to_array(item).ravel().tolist()
            lists.append([value.decode() if isinstance(value, bytes) else value for value in values])
    for values in lists:
        if len(values) == count and all(isinstance(value, str) == text for value in values):
            return values
    return None if text else list(range(count))
