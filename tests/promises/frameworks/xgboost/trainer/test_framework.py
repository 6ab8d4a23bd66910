"""Promises of XGBoost's model, beside those of every framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest

from ..._engine.artifact.compiled import CompiledModel, compare
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_a_served_model_takes_one_thread(model_dir: Path) -> None:
    """However many cores the machine has: its container may use fewer, and threads would wait for one another."""
    config = json.loads(MyModel(dirpath=model_dir).model.save_config())
    assert config["learner"]["generic_param"]["nthread"] == "1"


def test_text_never_seen_is_answered_as_a_missing_value_is(table: Table) -> None:
    X, y = table
    model = MyModel()
    model.train(X, y)
    unseen, missing = X.assign(plan="brand new"), X.assign(plan=None)
    np.testing.assert_array_equal(model.predict(unseen, proba=True), model.predict(missing, proba=True))


def test_a_compiled_model_too_coarse_to_tell_rows_apart_is_not_kept(tmp_path: Path) -> None:
    """A time in seconds is a large number, and what the compiled model rounds away of it is hours."""
    X = np.random.default_rng(0).normal(size=(200, 2))
    model = MyModel(task="regression")
    model.train(X, 1.7e9 + 3600 * X[:, 0])
    model.evaluate(X, 1.7e9 + 3600 * X[:, 0])
    model.save(tmp_path / "0001", extras_seconds=300)
    assert "differ from the model's by up to" in model.compiled_note
    assert MyModel(dirpath=tmp_path / "0001", runtime="auto").platform == "xgboost"


def test_trees_that_learnt_nothing_say_so() -> None:
    """XGBoost takes the gains in tiny numbers for none."""
    X = np.random.default_rng(0).normal(size=(200, 2))
    for unit, times in ((1.0, 0), (1e-7, 1)):
        model = MyModel(task="regression")
        model.train(X, unit * X[:, 0])
        assert sum("nothing was learnt" in note for note in model.notes) == times


@pytest.mark.parametrize("labels", [None, 2, 3])
def test_many_categories_are_compiled_and_answered_alike(tmp_path: Path, labels: int | None) -> None:
    """Each comparison leads to the same subtrees: a converter that walks them again for each does not end."""
    random = np.random.default_rng(0)
    X = pd.DataFrame(
        {"email": random.choice([f"u{i}@example.com" for i in range(400)], 900), "age": random.random(900)}
    )
    X.loc[::7, "email"] = None
    y = random.random(900) if labels is None else random.integers(0, labels, 900)
    model = MyModel(task="regression" if labels is None else "classification", rounds=5)
    model.train(X, y)
    (tmp_path / "model.onnx").write_bytes(model.to_onnx())
    assert compare(CompiledModel(tmp_path / "model.onnx"), model, model.signature.conform(X)) < 1e-5
