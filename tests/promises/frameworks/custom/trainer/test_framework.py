"""Promises of the worked example, beside those of every model. Yours go here."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from ...trainer._core import ModelError
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]
X = np.random.default_rng(0).normal(3, 10, size=(300, 4))


def test_numbers_are_predicted_as_by_least_squares() -> None:
    y = X @ [1.0, 2.0, 0.0, -3.0] + 1000
    model = MyModel(task="regression", penalty=0)
    model.train(X, y)
    np.testing.assert_allclose(model.predict(X), LinearRegression().fit(X, y).predict(X))


def test_labels_are_told_apart_as_by_logistic_regression() -> None:
    noise = np.random.default_rng(1).normal(0, 5, size=300)
    y = np.array(["low", "mid", "top"])[np.digitize(X[:, 0] + noise, [-5, 10])]
    model = MyModel(penalty=0, steps=20_000)
    model.train(X, y)
    reference = LogisticRegression(C=np.inf).fit(X, y)
    np.testing.assert_allclose(model.predict(X, proba=True), reference.predict_proba(X), atol=1e-3)


def test_a_missing_value_is_answered_as_the_mean_is(table: Table) -> None:
    X, y = table
    model = MyModel()
    model.train(X, y)
    missing, mean = X.assign(age=np.nan), X.assign(age=X["age"].mean())
    np.testing.assert_allclose(model.predict(missing, proba=True), model.predict(mean, proba=True))


def test_weights_are_data_and_never_code(tmp_path: Path) -> None:
    """A file that would run code when it is unpickled is refused."""
    model = MyModel()
    model.train(X, X[:, 0] > 0)
    model.model["weights"] = np.array([print], dtype=object)
    model.save(tmp_path / "0001")
    with pytest.raises(ModelError, match="allow_pickle=False"):
        MyModel(dirpath=tmp_path / "0001")
