"""Promises of XGBoost's model, beside those that test_trainer.py holds every framework to."""

from __future__ import annotations

from typing import Tuple

import numpy as np
import pandas as pd

from .model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_contributions_are_log_odds(table: Table) -> None:
    X, y = table
    model = MyModel(rounds=10)
    model.train(X, y)
    sums = np.array(
        [item["base"] + sum(item["contributions"].values()) for item in model.explain(model.signature.conform(X))]
    )
    np.testing.assert_allclose(1 / (1 + np.exp(-sums)), model.predict(X, proba=True).max(axis=1), rtol=1e-5)


def test_text_never_seen_is_answered_as_a_gap_is(table: Table) -> None:
    X, y = table
    model = MyModel()
    model.train(X, y)
    unseen, gap = X.assign(plan="brand new"), X.assign(plan=None)
    np.testing.assert_array_equal(model.predict(unseen, proba=True), model.predict(gap, proba=True))
