"""Promises of your model, whatever you write into your files: it trains, and answers in all forms alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .model import MyModel


def test_it_trains_on_rows_like_those_it_answers(model: MyModel) -> None:
    """On forty rows around the one in input.json; what is predicted is of the kind that your model predicts."""
    X = model.signature.around(model.example, rows=40)
    y = np.resize(model.labels if model.labels is not None else np.arange(8.0), 40)
    again = MyModel(task=model.task)
    again.train(X, y)
    assert again.predict(X).shape == model.predict(X).shape


def test_it_answers_the_same_once_saved_and_loaded(model: MyModel, model_dir: Path, tmp_path: Path) -> None:
    MyModel(dirpath=model_dir).save(tmp_path / "0001")
    loaded = MyModel(dirpath=tmp_path / "0001")
    np.testing.assert_array_equal(loaded.predict(model.example), MyModel(dirpath=model_dir).predict(model.example))


def test_it_answers_the_same_compiled_or_not(model: MyModel, model_dir: Path) -> None:
    """Labels are equal, numbers to five digits; see "A model directory" in the README."""
    native, answers = MyModel(dirpath=model_dir).predict(model.example), model.predict(model.example)
    if native.dtype.kind == "f":
        np.testing.assert_allclose(answers, native, rtol=1e-4)
    else:
        np.testing.assert_array_equal(answers, native)


def test_no_row_depends_on_another(model: MyModel) -> None:
    """Requests that wait are answered in one call: `prep_func` and `post_func` see rows of several clients at once."""
    X = model.signature.around(model.example, rows=8)
    one_by_one = [model.predict(X[n : n + 1])[0] for n in range(len(X))]
    if model.predict(X).dtype.kind == "f":
        np.testing.assert_allclose(model.predict(X), one_by_one, rtol=1e-6)
    else:
        np.testing.assert_array_equal(model.predict(X), one_by_one)


def test_what_a_row_must_have_is_said(model: MyModel) -> None:
    with pytest.raises(ValueError, match="expected"):
        model.predict(np.zeros((1, 10_000)))
