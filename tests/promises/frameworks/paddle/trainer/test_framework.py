"""Promises of PaddlePaddle's model, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd

from ...trainer.model import MyModel
from .trained import train_as_typed

Table = Tuple[pd.DataFrame, pd.Series]


def test_a_row_is_answered_alone_as_among_others(model: MyModel, table: Table) -> None:
    X = table[0].head(20)
    alone = np.concatenate([model.predict(X[at : at + 1], proba=True) for at in range(len(X))])
    np.testing.assert_allclose(model.predict(X, proba=True), alone, rtol=1e-5)


def test_what_a_linear_function_makes_is_predicted() -> None:
    X = np.random.default_rng(0).normal(50, 20, size=(300, 3))
    y = 1000 + 3 * X[:, 0] - 2 * X[:, 1]
    model = MyModel(task="regression")
    model.train(X[:200], y[:200])
    assert model.evaluate(X[200:], y[200:])["r2"] > 0.98


def test_a_number_far_off_a_missing_value_and_text_never_seen_have_an_answer(table: Table) -> None:
    X, y = table
    model = MyModel()
    model.train(X, y)
    far, farther = X.assign(age=1e6), X.assign(age=1e30)
    np.testing.assert_array_equal(model.predict(far, proba=True), model.predict(farther, proba=True))
    unseen, missing = X.assign(plan="brand new"), X.assign(plan=None)
    np.testing.assert_array_equal(model.predict(unseen, proba=True), model.predict(missing, proba=True))


def test_a_training_prints_nothing_but_its_result(tmp_path: Path) -> None:
    """Paddle logs what it does, by habit."""
    run = train_as_typed("--output_dir", tmp_path)
    assert run.returncode == 0
    assert run.stderr == ""
