"""Promises of arrays that were made elsewhere, for the model of the worked example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from .importing import NUMBER, NUMBERS, THREE, imported


def test_labels_are_numbered(tmp_path: Path) -> None:
    made = LogisticRegression().fit(NUMBERS, THREE)
    np.savez(tmp_path / "model.npz", weights=made.coef_.T, bias=made.intercept_)
    model = imported(tmp_path, tmp_path)
    np.testing.assert_array_equal(model.predict(NUMBERS.to_numpy()), made.predict(NUMBERS))
    np.testing.assert_allclose(model.predict(NUMBERS.to_numpy(), proba=True), made.predict_proba(NUMBERS))


def test_one_score_is_a_number(tmp_path: Path) -> None:
    made = LinearRegression().fit(NUMBERS, NUMBER)
    np.savez(tmp_path / "model.npz", weights=made.coef_[:, None], bias=[made.intercept_])
    np.testing.assert_allclose(imported(tmp_path, tmp_path).predict(NUMBERS.to_numpy()), made.predict(NUMBERS))
