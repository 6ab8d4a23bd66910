"""Promises of models of scikit-learn's that were made elsewhere: their own answers, and nothing run without --trust."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from ...trainer.model import MyModel
from .importing import MIXED, NUMBER, NUMBERS, THREE, TWO, Harm, imported, with_missing
from .trained import train


def pipeline(estimator: Any) -> Any:
    """A pipeline with its own preprocessing, by the names of columns."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return make_pipeline(make_column_transformer((numbers, ["age", "score"]), (text, ["plan"])), estimator)


MODELS = {
    "pipeline": (pipeline(LogisticRegression()), MIXED, TWO),
    "search": (GridSearchCV(pipeline(LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2), MIXED, TWO),
    "forest": (RandomForestClassifier(5, random_state=0, n_jobs=2), NUMBERS, THREE),
    "forest of an array": (RandomForestRegressor(5, random_state=0), NUMBERS.to_numpy(), NUMBER),
    "boosting": (HistGradientBoostingClassifier(max_iter=5), NUMBERS, TWO),
    "regression": (pipeline(Ridge()), MIXED, NUMBER),
    "without probabilities": (LinearSVC(dual=False), NUMBERS, TWO),
}


@pytest.mark.parametrize("form", ["joblib", "compressed", "pickle"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_answers_as_it_does_itself(tmp_path: Path, kind: str, form: str) -> None:
    estimator, X, y = MODELS[kind]
    estimator.fit(X, y)
    file = tmp_path / ("model.pkl" if form == "pickle" else "model.joblib")
    if form == "pickle":
        file.write_bytes(pickle.dumps(estimator))
    else:
        joblib.dump(estimator, file, compress=3 if form == "compressed" else 0)
    model = imported(tmp_path, file, "--trust")
    assert type(model.model) is type(estimator)  # as who converts it by hand needs it
    np.testing.assert_array_equal(model.predict(X), estimator.predict(X))
    assert model.has_proba == hasattr(estimator, "predict_proba")
    if model.has_proba:
        np.testing.assert_array_equal(model.predict(X, proba=True), estimator.predict_proba(X))


def test_data_tells_what_may_be_missing_and_evaluates(tmp_path: Path) -> None:
    X, data = with_missing(MIXED), tmp_path / "data.csv"
    estimator = pipeline(LogisticRegression()).fit(X, TWO)
    joblib.dump(estimator, tmp_path / "model.joblib")
    X.assign(outcome=TWO).to_csv(data, index=False)
    model = imported(tmp_path, tmp_path, "--trust", "--data", data, "--target", "outcome")
    assert [(column.datatype, column.nullable) for column in model.signature.columns] == [
        ("FP64", True),
        ("FP64", True),
        ("BYTES", True),
    ]
    assert model.metrics["accuracy"] == pytest.approx(estimator.score(X, TWO))
    np.testing.assert_array_equal(model.predict(X, proba=True), estimator.predict_proba(X))
    X.to_csv(data, index=False)
    model = imported(tmp_path, tmp_path, "--trust", "--data", data)
    assert model.metrics == {}
    np.testing.assert_array_equal(model.predict(X), estimator.predict(X))


def test_rows_suffice_to_compile_without_a_target(tmp_path: Path) -> None:
    joblib.dump(LogisticRegression().fit(NUMBERS.to_numpy(), TWO), tmp_path / "model.joblib")
    NUMBERS.to_csv(tmp_path / "data.csv", index=False)
    data = ("--data", tmp_path / "data.csv", "--extras_seconds", "120")
    assert imported(tmp_path, tmp_path, "--trust", *data).signature.names == ["age", "score"]
    assert (tmp_path / "runs" / "0001" / "model.onnx").exists()


def test_a_vectorizer_takes_one_column_of_text(tmp_path: Path) -> None:
    estimator = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(MIXED["plan"], TWO)
    joblib.dump(estimator, tmp_path / "model.joblib")
    model = imported(tmp_path, tmp_path, "--trust")
    assert [column.datatype for column in model.signature.columns] == ["BYTES"]
    np.testing.assert_array_equal(model.predict(MIXED[["plan"]].to_numpy()), estimator.predict(MIXED["plan"]))


def test_what_nobody_trusts_is_listed_and_never_runs(tmp_path: Path) -> None:
    """And nothing is left on the disk."""
    file, harmed, runs = tmp_path / "model.joblib", tmp_path / "harmed", tmp_path / "runs"
    joblib.dump(make_pipeline(StandardScaler(), Harm(harmed)), file)
    run = train("--model", file, "--output_dir", runs)
    assert run.returncode == 1
    assert "builtins.exec" in run.stderr
    assert "--trust" in run.stderr
    assert not harmed.exists()
    assert not runs.exists()
    train("--model", file, "--output_dir", runs, "--trust")
    assert harmed.exists()  # so it would have harmed


@pytest.mark.parametrize("estimator", [StandardScaler(), RandomForestClassifier(2)], ids=["no predict", "two targets"])
def test_what_gives_no_answer_is_refused_in_a_line(tmp_path: Path, estimator: Any) -> None:
    joblib.dump(estimator.fit(NUMBERS, np.column_stack([TWO, TWO])), tmp_path / "model.joblib")
    run = train("--model", tmp_path, "--trust", "--output_dir", tmp_path / "runs")
    assert run.returncode == 1
    assert run.stderr.startswith(f"Training stopped: a {type(estimator).__name__}")


def test_a_model_of_mlserver_is_found_by_its_settings(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(NUMBERS.to_numpy(), TWO)
    joblib.dump(estimator, tmp_path / "churn.joblib")
    (tmp_path / "model-settings.json").write_text(
        '{"name": "churn", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./churn.joblib"}, '
        '"inputs": [{"name": "years", "datatype": "FP64", "shape": [-1]}, {"name": "s", "datatype": "FP64", '
        '"shape": [-1]}]}'
    )
    run = train("--from-mlserver", tmp_path, "--trust", "--output_dir", tmp_path / "runs")
    assert run.returncode == 0, run.stderr
    model = MyModel(dirpath=tmp_path / "runs" / "0001")
    assert model.signature.names == ["years", "s"]
    np.testing.assert_array_equal(model.predict(NUMBERS.to_numpy()), estimator.predict(NUMBERS.to_numpy()))
    frame = pd.DataFrame(NUMBERS.to_numpy(), columns=["years", "s"])
    np.testing.assert_array_equal(model.predict(frame), model.predict(NUMBERS.to_numpy()))
