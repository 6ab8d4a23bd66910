"""Promises of XGBoost's models that were made elsewhere: their own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from ...trainer.model import MyModel
from .importing import MIXED, NUMBER, NUMBERS, THREE, TWO, imported, with_missing
from .trained import train

X = with_missing(NUMBERS)
YES = (TWO == "yes").astype(int)


def booster(parameters: dict[str, Any], y: Any, rows: Any = X) -> xgboost.Booster:
    return xgboost.train({"seed": 0, **parameters}, xgboost.DMatrix(rows, y), 5)


@pytest.mark.parametrize("suffix", ["ubj", "json"])
def test_labels_are_numbered_or_named_in_order(tmp_path: Path, suffix: str) -> None:
    """With rows that miss values; names need not be in the order of the alphabet."""
    made = booster({"objective": "binary:logistic"}, YES)
    made.save_model(tmp_path / f"model.{suffix}")
    proba = made.predict(xgboost.DMatrix(X))
    model = imported(tmp_path, tmp_path)
    np.testing.assert_array_equal(model.predict(X), proba >= 0.5)
    np.testing.assert_allclose(model.predict(X, proba=True)[:, 1], proba, atol=1e-6)
    named = imported(tmp_path, tmp_path, "--labels", "stays,leaves")
    np.testing.assert_array_equal(named.predict(X), np.where(proba >= 0.5, "leaves", "stays"))
    np.testing.assert_allclose(named.predict(X, proba=True)[:, 0], proba, atol=1e-6)
    X.assign(left=np.where(YES, "leaves", "stays")).to_csv(tmp_path / "data.csv", index=False)
    data = "--data", tmp_path / "data.csv", "--target", "left", "--extras_seconds", 300
    imported(tmp_path, tmp_path / f"model.{suffix}", "--labels", "stays,leaves", *data)
    compiled = MyModel(dirpath=max((tmp_path / "runs").iterdir()), runtime="onnx")
    np.testing.assert_allclose(compiled.predict(X, proba=True)[:, 0], proba, atol=1e-6)
    row = named.signature.conform(X)[1:2]
    explained = named.explain(row)[0]
    score = explained["base"] + sum(explained["contributions"].values())
    assert 1 / (1 + np.exp(-score)) == pytest.approx(named.predict(row, proba=True).max(), abs=1e-5)


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_of_several_labels_there_are_probabilities(tmp_path: Path, objective: str) -> None:
    made = booster({"objective": objective, "num_class": 3}, THREE)
    made.save_model(tmp_path / "model.ubj")
    answers = made.predict(xgboost.DMatrix(X))
    model = imported(tmp_path, tmp_path)
    np.testing.assert_array_equal(model.predict(X), answers if answers.ndim == 1 else answers.argmax(axis=1))
    assert model.predict(X, proba=True).shape == (200, 3)


def test_a_number_is_a_regression_and_an_array_has_no_names(tmp_path: Path) -> None:
    made = booster({}, NUMBER, X.to_numpy())
    made.save_model(tmp_path / "model.ubj")
    model = imported(tmp_path, tmp_path)
    assert (model.task, model.signature.names) == ("regression", ["x0", "x1"])
    np.testing.assert_allclose(model.predict(X.to_numpy()), made.predict(xgboost.DMatrix(X.to_numpy())), rtol=1e-6)


def test_labels_of_the_data_that_the_model_does_not_know_are_asked_for(tmp_path: Path) -> None:
    booster({"objective": "binary:logistic"}, YES).save_model(tmp_path / "model.ubj")
    X.assign(outcome=TWO).to_csv(tmp_path / "data.csv", index=False)
    data = ("--data", tmp_path / "data.csv", "--target", "outcome")
    run = train("--model", tmp_path, *data, "--output_dir", tmp_path / "runs")
    assert run.returncode == 1
    assert "the model answers 0, 1, but 'outcome' has 'no', 'yes': name" in run.stderr
    assert imported(tmp_path, tmp_path, *data, "--labels", "no,yes").metrics["accuracy"] > 0.8


def test_categories_are_those_of_the_model(tmp_path: Path) -> None:
    """Which has none before XGBoost 3.1: their numbers are all that it takes."""
    rows = MIXED.assign(plan=MIXED["plan"].astype("category"))
    made = xgboost.train({}, xgboost.DMatrix(rows, NUMBER, enable_categorical=True), 5)
    made.save_model(tmp_path / "model.json")
    model = imported(tmp_path, tmp_path)
    known = hasattr(xgboost.Booster, "get_categories")
    assert model.signature.columns[2].datatype == ("BYTES" if known else "FP64")
    expected = made.predict(xgboost.DMatrix(rows, enable_categorical=True))
    asked = MIXED if known else MIXED.assign(plan=rows["plan"].cat.codes)
    np.testing.assert_allclose(model.predict(asked), expected, rtol=1e-6)
