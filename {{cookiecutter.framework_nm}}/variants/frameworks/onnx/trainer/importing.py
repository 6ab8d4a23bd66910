"""ONNX models that were made elsewhere: what a graph tells of its columns, its labels and its answers, and how it takes
a table.

Not here: running a graph, and how it answers (model.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ._core import Column, Model, Signature

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


class Importable(Model):
    """A model that may also have been made elsewhere."""

    #: What runs the graph.
    session: Any

    def open_weights(self, path: Path) -> None:
        self.model = path.read_bytes()

    def read_signature(self, X: Any = None) -> Signature:
        """A column for each input of the graph, or for each feature of its only one, which X may name."""
        inputs = self.session.get_inputs()
        signature = Signature(self._read_columns(inputs, X))
        row = signature.blank() if X is None else signature.conform(X)[:1]
        try:
            answers = self.session.run(None, feed(inputs, row))
        except Exception as error:  # ONNX Runtime raises kinds of its own
            tried = "zeros and empty text: name rows that it knows with --data" if X is None else "the first row"
            raise ValueError(f"the model does not answer {tried}; {error}") from None
        self._read_outputs(self.session.get_outputs(), answers)
        return signature

    def _read_columns(self, inputs: list[Any], X: Any) -> tuple[Column, ...]:
        """The columns that a graph with these inputs takes, of the types that it has."""
        found = _found(inputs)
        if any(item.type not in TYPES for item in inputs):
            raise ValueError(f"expected inputs of type {', '.join(TYPES)}; {found}")
        if any(not item.shape or isinstance(item.shape[0], int) for item in inputs):
            raise ValueError(f"the first dimension of an input must be free: it counts the rows; {found}")
        first, kinds = inputs[0], [TYPES[item.type][0] for item in inputs]
        if all(item.shape[1:] in ([], [1]) for item in inputs):
            columns = self.columns_of(X, None, [item.name for item in inputs])
        elif len(inputs) > 1:
            raise ValueError(f"of several inputs each must be a column, [rows, 1]; {found}")
        elif len(first.shape) == 2:
            columns = self.columns_of(X, first.shape[1] if isinstance(first.shape[1], int) else None)
            kinds = kinds * len(columns)
        elif kinds != ["FP64"] or not all(isinstance(size, int) for size in first.shape[1:]):
            raise ValueError(f"tensors must hold numbers, and all sizes but the first must be fixed; {found}")
        else:
            return (Column(first.name, "FP64", shape=tuple(first.shape[1:])),)
        return tuple(Column(column.name, kind, column.nullable) for column, kind in zip(columns, kinds))

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


def _found(items: list[Any]) -> str:
    return "found " + ", ".join(f"{item.name!r}, {item.type} {item.shape}" for item in items)


def feed(inputs: list[Any], X: Any) -> dict[str, np.ndarray]:
    """The inputs of a graph by name: all columns in the only one, or one column each."""
    if len(inputs) == 1:
        return {inputs[0].name: _cast(X, inputs[0].type).reshape(len(X), *_row(inputs[0]))}
    columns = X.T if isinstance(X, np.ndarray) else [X[name] for name in X.columns]
    return {item.name: _cast(column, item.type).reshape(len(X), *_row(item)) for item, column in zip(inputs, columns)}


def _row(item: Any) -> list[int]:
    """The shape of a row of an input; the only free size that is left is that of a table."""
    return [size if isinstance(size, int) else -1 for size in item.shape[1:]]


def _cast(values: Any, kind: str) -> np.ndarray:
    values = np.asarray(values)
    if kind == "tensor(string)":
        return np.array(["" if value is None else value for value in values.ravel()], dtype=object)
    return values.astype(TYPES[kind][1])


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
