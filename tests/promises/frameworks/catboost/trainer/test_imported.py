"""Promises of CatBoost's models that were made elsewhere: their own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost
import numpy as np
import pytest

from .importing import MIXED, NUMBER, NUMBERS, THREE, TWO, imported, with_missing

OPTIONS: dict[str, Any] = {"iterations": 5, "verbose": 0, "allow_writing_files": False}


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
def test_labels_and_text_are_those_of_the_model(tmp_path: Path, y: np.ndarray) -> None:
    X = MIXED.assign(**with_missing(NUMBERS))
    made = catboost.CatBoostClassifier(cat_features=["plan"], **OPTIONS).fit(X, y)
    made.save_model(tmp_path / "model.cbm")
    model = imported(tmp_path, tmp_path)
    assert model.signature.columns[2].datatype == "BYTES"
    np.testing.assert_array_equal(model.predict(X), made.predict(X).ravel())
    np.testing.assert_allclose(model.predict(X, proba=True), made.predict_proba(X))


def test_labels_may_have_an_order_of_their_own(tmp_path: Path) -> None:
    made = catboost.CatBoostClassifier(class_names=["yes", "no"], **OPTIONS).fit(NUMBERS, TWO)
    made.save_model(tmp_path / "model.cbm")
    model = imported(tmp_path, tmp_path)
    np.testing.assert_array_equal(model.predict(NUMBERS), made.predict(NUMBERS))
    np.testing.assert_allclose(model.predict(NUMBERS, proba=True)[:, ::-1], made.predict_proba(NUMBERS))


@pytest.mark.parametrize("loss", ["RMSE", "Poisson"])
def test_a_number_is_a_regression(tmp_path: Path, loss: str) -> None:
    made = catboost.CatBoostRegressor(loss_function=loss, **OPTIONS).fit(NUMBERS.to_numpy(), NUMBER.clip(lower=0))
    made.save_model(tmp_path / "model.cbm")
    model = imported(tmp_path, tmp_path)
    assert (model.task, model.signature.names) == ("regression", ["x0", "x1"])
    np.testing.assert_allclose(model.predict(NUMBERS.to_numpy()), made.predict(NUMBERS.to_numpy()))
