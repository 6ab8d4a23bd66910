"""What a model noted when it was trained, and what is said where other code looks for more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _engine.contract.errors import ModelError
from pickled import Pickled

X, Y = np.arange(40.0).reshape(20, 2), np.arange(20.0)


class Before(Pickled):
    """Notes nothing."""

    def fit(self, X: Any, y: np.ndarray) -> None:
        self.model = y.mean()

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return np.full(len(X), self.model)


class After(Before):
    """Needs what it would have noted."""

    def encode(self, X: Any) -> Any:
        return X - self.state["means"]


def test_a_model_of_other_code_is_refused_in_a_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    model = Before(task="regression")
    model.train(X, Y)
    model.save(tmp_path / "0001", extras_seconds=0)
    assert Before(dirpath=tmp_path / "0001").predict(X).tolist() == [9.5] * 20
    with pytest.raises(ModelError, match=r"^the model notes no 'means', .* Train again \(make train\), or restore"):
        After(dirpath=tmp_path / "0001").predict(X)


def test_a_loaded_model_is_saved_with_its_notes(tmp_path: Path) -> None:
    model = Before(task="regression")
    model.train(X, Y)
    model.state["noted"] = [1, 2]
    model.save(tmp_path / "0001", extras_seconds=0)
    Before(dirpath=tmp_path / "0001").save(tmp_path / "0002", extras_seconds=0)
    assert Before(dirpath=tmp_path / "0002").state == {"noted": [1, 2]}
