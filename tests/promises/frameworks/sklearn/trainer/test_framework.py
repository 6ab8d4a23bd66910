"""Promises of scikit-learn's model, beside those of every framework."""

from __future__ import annotations

from typing import Tuple

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_a_forest_is_explained_by_what_its_splits_change(table: Table) -> None:
    """Base and contributions add up to the probability of the label."""
    X, y = table
    model = MyModel(estimator="forest")
    model.train(X, y)
    sums = [item["base"] + sum(item["contributions"].values()) for item in model.explain(model.signature.conform(X))]
    np.testing.assert_allclose(sums, model.predict(X, proba=True).max(axis=1))


def test_an_estimator_of_another_kind_answers_and_is_not_explained(table: Table) -> None:
    X, y = table
    model = MyModel()
    model.candidates = {"neighbours": KNeighborsClassifier()}
    model.train(X, y)
    assert set(model.predict(X)) == set(y)
    with pytest.raises(NotImplementedError, match="gives no explanations"):
        model.explain(model.signature.conform(X))
