"""Promises of LightGBM's models that were made elsewhere: their own answers."""

from __future__ import annotations

from pathlib import Path

import joblib
import lightgbm
import numpy as np
import pytest

from .importing import MIXED, NUMBER, NUMBERS, THREE, TWO, Harm, imported, with_missing
from .trained import train

X = with_missing(NUMBERS)


@pytest.mark.parametrize("y", [(TWO == "yes").astype(int), THREE, NUMBER], ids=["two", "three", "number"])
def test_a_text_file_answers_as_it_does_itself(tmp_path: Path, y: np.ndarray) -> None:
    labels = len(np.unique(y))
    objective = {2: "binary", 3: "multiclass"}.get(labels, "regression")
    parameters = {"verbose": -1, "objective": objective, "num_class": labels if labels == 3 else 1}
    made = lightgbm.train(parameters, lightgbm.Dataset(X, y), 5)
    made.save_model(tmp_path / "model.txt")
    model, answers = imported(tmp_path, tmp_path), made.predict(X)
    if labels > 3:
        np.testing.assert_array_equal(model.predict(X), answers)
    else:
        expected = answers if labels == 3 else np.column_stack([1 - answers, answers])
        np.testing.assert_allclose(model.predict(X, proba=True), expected)
        np.testing.assert_array_equal(model.predict(X), expected.argmax(axis=1))


def test_categories_are_those_of_the_model(tmp_path: Path) -> None:
    rows = MIXED.assign(plan=MIXED["plan"].astype("category"))
    made = lightgbm.train({"verbose": -1}, lightgbm.Dataset(rows, NUMBER), 5)
    made.save_model(tmp_path / "model.txt")
    model = imported(tmp_path, tmp_path)
    assert model.signature.columns[2].datatype == "BYTES"
    np.testing.assert_array_equal(model.predict(MIXED), made.predict(rows))


def test_its_class_for_scikit_learn_brings_its_labels(tmp_path: Path) -> None:
    made = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, TWO)
    joblib.dump(made, tmp_path / "model.joblib")
    run = train("--model", tmp_path, "--output_dir", tmp_path / "runs")
    assert run.returncode == 1
    assert "lightgbm.sklearn.LGBMClassifier" in run.stderr
    model = imported(tmp_path, tmp_path, "--trust")
    np.testing.assert_array_equal(model.predict(X), made.predict(X))
    np.testing.assert_allclose(model.predict(X, proba=True), made.predict_proba(X))


def test_a_pickle_that_would_harm_does_not(tmp_path: Path) -> None:
    harmed = tmp_path / "harmed"
    joblib.dump(Harm(harmed), tmp_path / "model.joblib")
    run = train("--model", tmp_path, "--output_dir", tmp_path / "runs")
    assert (run.returncode, harmed.exists(), (tmp_path / "runs").exists()) == (1, False, False)
    assert "builtins.exec" in run.stderr
