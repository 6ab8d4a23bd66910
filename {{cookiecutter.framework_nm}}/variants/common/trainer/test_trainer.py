"""Promises of your model, whatever you write into your files: it trains, and answers in all forms alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .._engine.serving.testing import assert_same
from .model import MyModel


def test_it_trains_on_rows_like_those_it_answers(model: MyModel) -> None:
    """On forty rows around the one in input.json; what is predicted is of the kind that your model predicts."""
    X = model.signature.around(model.example, rows=40)
    y = np.resize(np.arange(1.0, 9.0) if model.labels is None else model.labels[:8], 40)
    again = MyModel(task=model.task)
    again.train(X, y)
    assert again.predict(X).shape == model.predict(X).shape


def test_it_answers_the_same_once_saved_and_loaded(model: MyModel, model_dir: Path, tmp_path: Path) -> None:
    MyModel(dirpath=model_dir).save(tmp_path / "0001")
    loaded = MyModel(dirpath=tmp_path / "0001")
    assert_same(loaded.predict(model.example), MyModel(dirpath=model_dir).predict(model.example))


def test_it_answers_the_same_compiled_or_not(model: MyModel, model_dir: Path) -> None:
    """Labels are equal, numbers nearly; see "A model directory" in the README."""
    X = model.signature.around(model.example, rows=8)
    assert_same(model.predict(X), MyModel(dirpath=model_dir).predict(X))


def test_no_row_depends_on_another(model: MyModel) -> None:
    """Requests that wait are answered in one call: `prep_func` and `post_func` see rows of several clients at once."""
    X = model.signature.around(model.example, rows=8)
    assert_same([model.predict(X[n : n + 1])[0] for n in range(len(X))], model.predict(X))


def test_what_a_row_must_have_is_said(model: MyModel) -> None:
    with pytest.raises(ValueError, match="expected"):
        model.predict(np.zeros((1, 10_000)))
