"""Promises of the ONNX model, beside those of every framework."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Tuple

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import BooleanTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ...trainer.model import MyModel
from .trained import train

Table = Tuple[pd.DataFrame, pd.Series]
FLOATS = [("input", FloatTensorType([None, 3]))]
ROWS = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
CLASSES = np.digitize(ROWS[:, 0], [-0.5, 0.5])
NAMES = np.array(["low", "mid", "top"])[CLASSES]


def import_model(file: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Import a file by the training command, into runs/0001 beside it."""
    return train("--onnx", file, "--output_dir", file.parent / "runs", *arguments)


def given(folder: Path, model: Any, **options: Any) -> MyModel:
    """A model made elsewhere, imported, saved and loaded."""
    file = folder / "elsewhere.onnx"
    file.write_bytes(model.SerializeToString())
    imported = MyModel(onnx=file, **options)
    imported.import_model()
    imported.save(folder / "0001")
    assert (folder / "0001" / "model.onnx").read_bytes() == file.read_bytes()
    return MyModel(dirpath=folder / "0001")


def graph(*nodes: Any, inputs: dict[str, Any], outputs: dict[str, Any], **constants: np.ndarray) -> Any:
    """A model of a few nodes; inputs and outputs are float, of the shapes given."""
    made = helper.make_graph(
        [helper.make_node(kind, takes, gives) for kind, takes, gives in nodes],
        "graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_file_made_elsewhere_is_imported_by_the_command(tmp_path: Path) -> None:
    """With data, its columns get their names, and it is evaluated."""
    X = pd.DataFrame(ROWS, columns=["a", "b", "c"])
    classifier = LogisticRegression().fit(ROWS, NAMES)
    file, data = tmp_path / "elsewhere.onnx", tmp_path / "data.csv"
    file.write_bytes(to_onnx(classifier, initial_types=FLOATS).SerializeToString())
    X.assign(y=NAMES).to_csv(data, index=False)
    run = import_model(file, "--data", data, "--target", "y")
    assert run.returncode == 0, run.stderr
    assert "accuracy" in run.stdout
    model = MyModel(dirpath=tmp_path / "runs" / "0001")
    assert model.signature.names == ["a", "b", "c"]
    np.testing.assert_array_equal(model.predict(X), classifier.predict(ROWS))
    np.testing.assert_allclose(model.predict(X, proba=True), classifier.predict_proba(ROWS), atol=1e-5)
    run = import_model(file)
    assert run.returncode == 0, run.stderr
    assert MyModel(dirpath=tmp_path / "runs" / "0002").signature.names == ["x0", "x1", "x2"]


@pytest.mark.parametrize("zipmap", [True, False], ids=["ZipMap", "tensor"])
@pytest.mark.parametrize("classifier", [LogisticRegression(), GaussianNB()], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("labels", [NAMES, CLASSES * 10 - 5], ids=["text", "numbers"])
def test_labels_come_from_the_graph(tmp_path: Path, classifier: Any, labels: np.ndarray, zipmap: bool) -> None:
    classifier.fit(ROWS, labels)
    made = to_onnx(classifier, initial_types=FLOATS, options={"zipmap": zipmap})
    model = given(tmp_path, made)
    assert model.labels is not None
    assert model.labels.tolist() == classifier.classes_.tolist()
    assert model.predict(ROWS).tolist() == classifier.predict(ROWS).tolist()
    np.testing.assert_allclose(model.predict(ROWS, proba=True), classifier.predict_proba(ROWS), atol=1e-4)


def test_a_column_may_be_an_input_of_its_own(tmp_path: Path) -> None:
    """Numbers, whole numbers, truth values and text, each a tensor of [rows, 1]."""
    X = pd.DataFrame({"size": ROWS[:, 0], "rooms": np.arange(60) % 5, "new": np.arange(60) % 2 == 0, "town": NAMES})
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["town"]), ("passthrough", ["size", "rooms", "new"])
    )
    classifier = make_pipeline(encoder, LogisticRegression()).fit(X, NAMES)
    kinds = [FloatTensorType, Int64TensorType, BooleanTensorType, StringTensorType]
    model = given(tmp_path, to_onnx(classifier, initial_types=[(n, k([None, 1])) for n, k in zip(X.columns, kinds)]))
    assert [column.datatype for column in model.signature.columns] == ["FP64", "FP64", "BOOL", "BYTES"]
    assert model.predict(X[X.columns[::-1]]).tolist() == classifier.predict(X).tolist()


def test_a_number_alone_is_a_regression(tmp_path: Path) -> None:
    regressor = LinearRegression().fit(ROWS, ROWS[:, 0] * 2)
    model = given(tmp_path, to_onnx(regressor, initial_types=FLOATS))
    assert (model.task, model.has_proba) == ("regression", False)
    np.testing.assert_allclose(model.predict(ROWS), ROWS[:, 0] * 2, atol=1e-5)


def test_of_several_scores_the_largest_is_the_labels(tmp_path: Path) -> None:
    """Where they are no probabilities, none are given; as a regression they are answered as they are."""
    scores = graph(("MatMul", ["x", "w"], ["y"]), inputs={"x": ["n", 3]}, outputs={"y": ["n", 3]}, w=np.eye(3) * 2 - 1)
    (tmp_path / "a").mkdir()
    model = given(tmp_path / "a", scores)
    assert not model.has_proba
    np.testing.assert_array_equal(model.predict(ROWS), ROWS.argmax(axis=1))
    (tmp_path / "b").mkdir()
    model = given(tmp_path / "b", scores, task="regression")
    np.testing.assert_allclose(model.predict(ROWS), ROWS @ (np.eye(3) * 2 - 1), atol=1e-5)


def test_rows_may_be_images(tmp_path: Path) -> None:
    """Of the shape that the graph has; scores that sum up to one are probabilities."""
    pooled = graph(
        ("GlobalMaxPool", ["image"], ["p"]),
        ("Flatten", ["p"], ["f"]),
        ("Softmax", ["f"], ["y"]),
        inputs={"image": ["n", 3, 4, 5]},
        outputs={"y": ["n", 3]},
    )
    model = given(tmp_path, pooled)
    (tensor,) = model.signature.inputs
    assert (tensor.name, tensor.shape) == ("image", (-1, 3, 4, 5))
    images = np.random.default_rng(0).random((7, 3, 4, 5))
    np.testing.assert_array_equal(model.predict(images), images.max(axis=(2, 3)).argmax(axis=1))
    np.testing.assert_allclose(model.predict(images, proba=True).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "outputs", "complaint"),
    [
        ({"x": [1, 3]}, {"y": [1, 3]}, r"the first dimension .* found 'x', tensor(float) [1, 3]"),
        ({"x": ["n", "m"]}, {"y": ["n", "m"]}, "how many columns the model takes: give --data"),
        ({"x": ["n", 3, "m"]}, {"y": ["n", 3, "m"]}, "all sizes but the first must be fixed; found 'x'"),
        ({"x": ["n", 2, 2]}, {"y": ["n", 2, 2]}, "each [rows] or [rows, n]; found 'y', tensor(float)"),
        ({"x": ["n", 3], "z": ["n", 2]}, {"y": ["n", 3]}, "of several inputs each must be a column"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_was_found(
    tmp_path: Path, inputs: dict[str, Any], outputs: dict[str, Any], complaint: str
) -> None:
    file = tmp_path / "elsewhere.onnx"
    file.write_bytes(graph(("Abs", ["x"], ["y"]), inputs=inputs, outputs=outputs).SerializeToString())
    model = MyModel(onnx=file)
    with pytest.raises(ValueError) as error:
        model.import_model()
    for part in complaint.split(" .* "):
        assert part in str(error.value)


def test_a_file_that_is_no_model_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_text("no model")
    for name, complaint in (("broken.onnx", "the model cannot be run"), ("absent.onnx", "no such file")):
        run = import_model(tmp_path / name)
        assert run.returncode == 1
        assert complaint in run.stderr
        assert run.stderr.count("\n") == 1


def test_a_forest_is_converted_too(table: Table) -> None:
    X, y = table
    model = MyModel(estimator="forest")
    model.train(X, y)
    assert (model.predict(X) == y).mean() > 0.9


def test_outputs_can_be_asked_for_by_the_graphs_own_names(tmp_path: Path) -> None:
    classifier = LogisticRegression().fit(ROWS, NAMES)
    model = given(tmp_path, to_onnx(classifier, initial_types=FLOATS))
    assert model.output_aliases == {"output_label": "predict", "output_probability": "predict_proba"}
    regressor = LinearRegression().fit(ROWS, ROWS[:, 0])
    (tmp_path / "numbers").mkdir()
    model = given(tmp_path / "numbers", to_onnx(regressor, initial_types=FLOATS))
    assert model.output_aliases == {"variable": "predict"}
