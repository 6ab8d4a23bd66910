"""Promises of LightGBM's model, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest

from ..._engine.artifact.compiled import CompiledModel, compare
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def of_plans(table: Table) -> Table:
    """The table with what only the plan decides."""
    X, _ = table
    return X, (X["plan"] == "pro").map({True: "yes", False: "no"})


def test_text_decides_and_text_never_seen_is_answered_as_a_missing_value_is(table: Table) -> None:
    X, y = of_plans(table)
    model = MyModel()
    model.train(X, y)
    assert list(model.predict(X)) == list(y)
    unseen, missing = X.assign(plan="brand new"), X.assign(plan=None)
    np.testing.assert_array_equal(model.predict(unseen, proba=True), model.predict(missing, proba=True))
    assert set(model.predict(missing)) == {"no"}


def test_text_decides_where_each_category_has_few_rows() -> None:
    """LightGBM's own defaults split by categories of 100 rows or more."""
    X = pd.DataFrame({"plan": np.resize(list("abcdef"), 180), "age": np.resize([20.0, 30.0, 40.0, 50.0, 60.0], 180)})
    y = X["plan"].isin(["a", "c", "e"]).map({True: "yes", False: "no"})
    model = MyModel()
    model.train(X, y)
    assert list(model.predict(X)) == list(y)


def test_a_table_with_text_has_a_compiled_model(tmp_path: Path, table: Table) -> None:
    """It answers missing values and text never seen as the model does."""
    X, y = of_plans(table)
    model = MyModel()
    model.train(X, y)
    model.evaluate(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    compiled = MyModel(dirpath=tmp_path / "0001", runtime="onnx")
    for rows in (X, X.assign(plan="brand new"), X.assign(plan=None, age=np.nan)):
        np.testing.assert_allclose(
            compiled.predict(rows, proba=True), model.predict(rows, proba=True), rtol=0, atol=1e-5
        )


def test_the_same_data_makes_the_same_model_on_any_number_of_cores(table: Table) -> None:
    X, y = table
    answers = []
    for threads in (1, 2):
        model = MyModel()
        model.params["num_threads"] = threads
        model.train(X, y)
        answers.append(model.predict(X, proba=True))
    np.testing.assert_array_equal(answers[0], answers[1])


def test_lightgbm_prints_nothing(tmp_path: Path, table: Table, capfd: pytest.CaptureFixture[str]) -> None:
    X, y = table
    model = MyModel()
    model.train(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    loaded = MyModel(dirpath=tmp_path / "0001")
    loaded.predict(X)
    loaded.explain(loaded.signature.conform(X))
    assert capfd.readouterr() == ("", "")


def test_of_a_table_too_small_for_its_leaves_it_is_said(table: Table) -> None:
    X, y = table
    small = MyModel()
    small.train(X[:30], y[:30])
    assert "smaller min_data_in_leaf" in " ".join(small.notes)
    fitting = MyModel(min_data_in_leaf=2)
    fitting.train(X[:30], y[:30])
    assert "smaller min_data_in_leaf" not in " ".join(fitting.notes)
    assert fitting.evaluate(X[:30], y[:30])["accuracy"] > 0.9


def test_many_categories_are_compiled_and_answered_alike(tmp_path: Path) -> None:
    """Comparisons lead to the same subtrees: a converter that walks them again for each would not end."""
    random = np.random.default_rng(0)
    emails = [f"u{i}@example.com" for i in range(400)]
    X = pd.DataFrame({"email": random.choice(emails, 2000), "age": random.random(2000)})
    model = MyModel(rounds=20, min_data_in_leaf=5)
    model.train(X, random.integers(0, 2, 2000))
    (tmp_path / "model.onnx").write_bytes(model.to_onnx())
    assert compare(CompiledModel(tmp_path / "model.onnx"), model, model.signature.conform(X)) < 1e-5
