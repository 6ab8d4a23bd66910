"""Promises of CatBoost's model, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest

from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_a_missing_text_is_a_category_of_its_own(table: Table) -> None:
    X, _ = table
    missing = X["plan"].isna()
    model = MyModel()
    model.train(X[["plan"]], np.where(missing, "none", "some"))
    assert list(model.predict(X[["plan"]])) == list(np.where(missing, "none", "some"))


def test_several_labels_of_numbers_have_a_compiled_model(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    model = MyModel()
    model.train(X, y)
    model.evaluate(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    compiled = MyModel(dirpath=tmp_path / "0001", runtime="onnx")
    np.testing.assert_allclose(compiled.predict(X, proba=True), model.predict(X, proba=True), rtol=0, atol=1e-5)


def test_training_says_why_a_table_with_text_has_no_compiled_model(tmp_path: Path, table: Table) -> None:
    model = MyModel()
    model.train(*table)
    model.evaluate(*table)
    model.save(tmp_path / "0001", extras_seconds=300)
    assert model.compiled_note == "No compiled model: CatBoost has none for models with columns of text."


def test_the_same_data_makes_the_same_model(table: Table) -> None:
    X, y = table
    answers = []
    for _ in range(2):
        model = MyModel()
        model.train(X, y)
        answers.append(model.predict(X, proba=True))
    np.testing.assert_array_equal(answers[0], answers[1])


def test_training_leaves_nothing_behind_and_prints_nothing(
    tmp_path: Path, table: Table, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = MyModel()
    model.train(*table)
    model.explain(model.signature.conform(table[0]))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_data_that_catboost_refuses_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^CatBoost cannot train on this data: All features are either constant"):
        MyModel().train(np.zeros((10, 2)), [0, 1] * 5)
