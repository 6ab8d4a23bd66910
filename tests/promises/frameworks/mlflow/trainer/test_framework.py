"""Promises of MLflow's models, beside those of every framework."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Tuple

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ...trainer._core import Column, ModelError
from ...trainer.model import MyModel, _mlflow
from .trained import train

Table = Tuple[pd.DataFrame, pd.Series]

mlflow = _mlflow()


@pytest.fixture(scope="module")
def orders() -> Table:
    """Columns of four of MLflow's types, of which text has missing values, and what to predict."""
    X = pd.DataFrame(
        {
            "items": np.arange(60) % 4,
            "price": np.linspace(1, 9, 60),
            "gift": np.arange(60) % 3 == 0,
            "shop": pd.Series(["north", "south", np.nan] * 20, dtype=object),
        }
    )
    return X, pd.Series(np.where(X["gift"], "kept", "returned"), name="outcome")


def save(folder: Path, model: Any, X: Any, **options: Any) -> Path:
    """Log a model as one does elsewhere, in the pickles that most of them are."""
    options = {"signature": mlflow.models.infer_signature(X, model.predict(X)), **options}
    pickles = {"serialization_format": "cloudpickle", "pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(model, folder, **pickles, **options)
    return folder


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, orders: Table) -> Path:
    X, y = orders
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(X, y)
    with pytest.warns(UserWarning, match="contains integer column"):
        return save(tmp_path_factory.mktemp("logged") / "model", pipeline, X)


def test_what_is_saved_is_a_model_to_mlflow(model_dir: Path, model: MyModel, table: Table) -> None:
    """With a signature and an example; numbers, truth values, text and missing values are answered as they are here.

    But for the threshold, which MLflow knows nothing of.
    """
    loaded = mlflow.pyfunc.load_model(str(model_dir / "model"))
    types = [column.type.name for column in loaded.metadata.get_input_schema().inputs]
    assert types == ["double", "double", "boolean", "string"]
    X = table[0].where(table[0].notna(), np.nan)  # as pandas reads missing values from a file
    assert model.labels is not None
    likeliest = model.labels[model.predict(X, proba=True).argmax(axis=1)]
    np.testing.assert_array_equal(loaded.predict(X), likeliest)
    example = loaded.metadata.load_input_example(str(model_dir / "model"))
    assert len(loaded.predict(example)) == 1


@pytest.mark.skipif("skops" not in mlflow.sklearn.SUPPORTED_SERIALIZATION_FORMATS, reason="MLflow 2 has pickles only")
def test_nothing_in_it_is_a_pickle(model_dir: Path) -> None:
    assert [file.suffix for file in (model_dir / "model").glob("model.*")] == [".skops"]


def test_a_logged_model_is_served_as_it_is(tmp_path: Path, logged: Path, orders: Table) -> None:
    """MLflow's signature becomes the model's; labels and probabilities are those of the pipeline."""
    X, _ = orders
    run = train("--model", logged, "--trust", "--output_dir", tmp_path)
    assert run.returncode == 0, run.stderr
    model = MyModel(dirpath=tmp_path / "0001")
    assert model.signature.columns == (
        Column("items", "FP64"),
        Column("price", "FP64"),
        Column("gift", "BOOL"),
        Column("shop", "BYTES", nullable=True),
    )
    original = mlflow.sklearn.load_model(str(logged))
    np.testing.assert_array_equal(model.predict(X), original.predict(X))
    np.testing.assert_array_equal(model.predict(X, proba=True), original.predict_proba(X))


def test_a_logged_model_is_evaluated_on_data_if_there_is_some(tmp_path: Path, logged: Path, orders: Table) -> None:
    pd.concat(orders, axis=1).to_csv(tmp_path / "orders.csv", index=False)
    data = ("--data", tmp_path / "orders.csv", "--target", "outcome")
    run = train("--model", logged, "--trust", *data, "--output_dir", tmp_path)
    assert "Evaluation on 60 rows:\n  accuracy          1.0000" in run.stdout, run.stderr


def test_a_model_without_a_signature_gets_it_from_data_or_is_refused(tmp_path: Path, orders: Table) -> None:
    X, y = orders[0][["items", "price"]].astype(float), orders[1]
    folder = save(tmp_path / "model", LogisticRegression().fit(X, y), X, signature=False)
    run = train("--mlflow", folder, "--trust", "--output_dir", tmp_path)
    assert run.returncode == 1
    assert "was saved without a signature" in run.stderr.splitlines()[-1]
    X.assign(outcome=y).to_csv(tmp_path / "orders.csv", index=False)
    data = ("--data", tmp_path / "orders.csv", "--target", "outcome")
    run = train("--mlflow", folder, "--trust", *data, "--output_dir", tmp_path)
    assert run.returncode == 0, run.stderr
    assert MyModel(dirpath=tmp_path / "0001").signature.names == ["items", "price"]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_model_of_tensors_gets_the_type_it_asks_for_and_is_converted_by_hand(tmp_path: Path, kind: str) -> None:
    X = np.random.default_rng(0).random((30, 3)).astype(kind)
    ridge = Ridge().fit(X, X.sum(axis=1))
    model = MyModel()
    model.import_model(save(tmp_path / "model", ridge, X), trust=True)
    assert (model.task, model.has_proba, model.signature.names) == ("regression", False, ["x0", "x1", "x2"])
    model.save(tmp_path / "0001", extras_seconds=0)
    loaded = MyModel(dirpath=tmp_path / "0001")
    for each in (model, loaded):
        np.testing.assert_allclose(each.predict(X.tolist()), ridge.predict(X), rtol=1e-5)
    assert type(loaded.model) is Ridge
    assert loaded.to_onnx()


FUNCTION = """
import mlflow
import pandas

class Greet(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: pandas.DataFrame, params=None):
        return "hello " + model_input["name"]

mlflow.models.set_model(Greet())
"""


def test_a_function_of_ones_own_is_served_without_probabilities(tmp_path: Path) -> None:
    (tmp_path / "greet.py").write_text(FUNCTION)
    X = pd.DataFrame({"name": ["Ada", "Grace"]})
    options = {"signature": mlflow.models.infer_signature(X, X["name"]), "input_example": X, "pip_requirements": []}
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=tmp_path / "greet.py", **options)
    model = MyModel(mlflow=tmp_path / "model")
    with pytest.raises(ModelError, match=r"was not opened, because .* greet\.py"):
        model.import_model()
    model.import_model(trust=True)
    model.save(tmp_path / "0001")
    loaded = MyModel(dirpath=tmp_path / "0001")
    assert loaded.predict(X).tolist() == ["hello Ada", "hello Grace"]
    assert not loaded.has_proba


def test_columns_that_no_row_can_hold_are_refused_by_name(tmp_path: Path, orders: Table) -> None:
    X = pd.DataFrame({"price": [1.0, 2.0], "day": pd.to_datetime(["2026-01-01", "2026-01-02"])})
    signature = mlflow.models.infer_signature(X, np.zeros(2))
    folder = save(tmp_path / "model", Ridge().fit(X[["price"]], [0, 1]), X[["price"]], signature=signature)
    run = train("--mlflow", folder, "--trust", "--output_dir", tmp_path)
    assert run.returncode == 1
    assert "the model takes 'day' (datetime); expected columns of boolean, string" in run.stderr.splitlines()[-1]


def test_a_folder_that_is_no_mlflow_model_is_refused_in_a_line(tmp_path: Path) -> None:
    run = train("--mlflow", tmp_path, "--output_dir", tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith(
        f"Training stopped: {tmp_path} is no model that mlflow imports: expected a folder with MLmodel"
    )
    assert "Traceback" not in run.stderr


def test_mlflow_leaves_nothing_behind_and_reports_nothing(tmp_path: Path) -> None:
    """Neither runs nor a data base in the folder one works in, and no use of it to its makers."""
    package = __package__.partition(".")[0]
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from {package}.trainer.model import MyModel
model = MyModel()
model.train([[0.0], [1.0]] * 9, ["a", "b"] * 9)
model.save("0001")
MyModel(dirpath="0001").predict([[0.0]])
telemetry = sys.modules.get("mlflow.telemetry")  # MLflow 2 has none
assert telemetry is None or telemetry.get_telemetry_client() is None
"""
    environment = {"PATH": "/bin:/usr/bin", "HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["0001"]
