"""Promises of networks that are trained until they stop getting better, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest

from ...trainer._core import Model
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_the_seed_decides_what_is_learnt(table: Table) -> None:
    """Whatever was drawn before, as by the first of these trainings."""
    X, y = table
    answers = []
    for seed in (0, 0, 1):
        model = MyModel(seed=seed)
        model.train(X, y)
        answers.append(model.predict(X, proba=True))
    np.testing.assert_array_equal(answers[0], answers[1])
    assert (answers[0] != answers[2]).any()


def test_training_ends_where_held_out_rows_gain_no_more(table: Table) -> None:
    """And keeps the weights of before: more patience with no progress changes nothing."""
    X, y = table
    done = []
    model = MyModel(epochs=1000, patience=5)
    model.report = lambda epoch, epochs: done.append(epoch)
    model.train(X, y)
    assert len(done) < 999
    stopped = MyModel(epochs=len(done) - 4, patience=5)
    stopped.train(X, y)
    np.testing.assert_array_equal(stopped.predict(X, proba=True), model.predict(X, proba=True))


def test_a_table_with_text_and_gaps_has_a_compiled_model_where_there_is_any(model_dir: Path, table: Table) -> None:
    compiled, model = MyModel(dirpath=model_dir, runtime="auto"), MyModel(dirpath=model_dir)
    assert bool(compiled.compiled) == (MyModel.to_onnx is not Model.to_onnx)
    np.testing.assert_allclose(compiled.predict(table[0], proba=True), model.predict(table[0], proba=True), rtol=1e-5)


def test_that_nothing_is_explained_is_said_without_loading_the_network(model_dir: Path, table: Table) -> None:
    model = MyModel(dirpath=model_dir, runtime="auto")
    with pytest.raises(NotImplementedError, match="no explanations"):
        model.explain(model.signature.conform(table[0]))
    assert (model.model is None) == bool(model.compiled)


def test_large_numbers_are_predicted_in_their_own_unit_and_compiled(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = 1e5 * X[:, 0]
    model = MyModel(task="regression")
    model.train(X, y)
    assert model.evaluate(X, y)["mae"] < 2e4
    model.save(tmp_path / "0001", extras_seconds=300)
    assert ("agrees on 300 rows" in model.compiled_note) == (MyModel.to_onnx is not Model.to_onnx)


def test_a_row_is_answered_alone_as_among_others(table: Table, model_dir: Path) -> None:
    X, model = table[0], MyModel(dirpath=model_dir)
    alone = np.concatenate([model.predict(X[i : i + 1], proba=True) for i in range(len(X))])
    np.testing.assert_allclose(alone, model.predict(X, proba=True), rtol=1e-5, atol=1e-7)


def test_numbers_beyond_all_seen_are_answered_with_numbers(table: Table, model_dir: Path) -> None:
    X = table[0].assign(**{"monthly spend": 3e38})
    assert np.isfinite(MyModel(dirpath=model_dir).predict(X, proba=True)).all()


def test_a_column_without_a_value_and_one_without_variety_are_no_obstacle() -> None:
    X = np.column_stack([np.full(40, np.nan), np.full(40, 0.1), np.arange(40.0)])
    model = MyModel()
    model.train(X, X[:, 2] > 20)
    assert np.isfinite(model.predict(X + 1, proba=True)).all()


def test_a_training_that_goes_astray_says_what_to_change(table: Table) -> None:
    with pytest.raises(ValueError, match="try a smaller one"):
        MyModel(learning_rate=1e30).train(*table)
