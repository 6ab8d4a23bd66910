"""Promises of Keras' and TensorFlow's models that were made elsewhere: their own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from .importing import NUMBERS, imported

ROWS = NUMBERS.to_numpy(np.float32)


def network(scores: int, activation: str | None = None) -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((2,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(scores, activation)]
    return keras.Sequential(layers)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_of_several_scores_the_largest_is_the_labels(tmp_path: Path, activation: str | None) -> None:
    made = network(3, activation)
    made.save(tmp_path / "model.keras")
    answers = made.predict_on_batch(ROWS)
    model = imported(tmp_path, tmp_path)
    np.testing.assert_array_equal(model.predict(ROWS), answers.argmax(axis=1))
    if activation:
        np.testing.assert_allclose(model.predict(ROWS, proba=True), answers, atol=1e-6)


def test_one_score_is_a_number_or_a_label_where_two_are_named(tmp_path: Path) -> None:
    made = network(1, "sigmoid")
    made.save(tmp_path / "model.keras")
    answers = made.predict_on_batch(ROWS)[:, 0]
    np.testing.assert_allclose(imported(tmp_path, tmp_path).predict(ROWS), answers, atol=1e-6)
    named = imported(tmp_path, tmp_path, "--labels", "no,yes")
    np.testing.assert_array_equal(named.predict(ROWS), np.where(answers > 0.5, "yes", "no"))


def test_a_savedmodel_is_a_folder(tmp_path: Path) -> None:
    made = network(3, "softmax")
    made.export(tmp_path / "exported", verbose=False)
    model = imported(tmp_path, tmp_path / "exported")
    np.testing.assert_allclose(model.predict(ROWS, proba=True), made.predict_on_batch(ROWS), atol=1e-6)
