"""Promises of Keras' model, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import keras
import numpy as np
import pandas as pd
import pytest

from ...trainer import model as module
from ...trainer._core import ModelError
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_weights_that_would_run_code_are_refused(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer of Python code in the file is never run: Keras loads in safe mode."""

    def with_code(shape: tuple[int, ...], scores: int, **sizes: float) -> keras.Model:
        layers = keras.layers
        return keras.Sequential([keras.Input(shape), layers.Lambda(lambda numbers: numbers * 2), layers.Dense(scores)])

    monkeypatch.setattr(module, "make_network", with_code)
    model = MyModel(epochs=1)
    model.train(*table)
    model.save(tmp_path / "0001", extras_seconds=300)
    with pytest.raises(ModelError, match="cannot be loaded"):
        MyModel(dirpath=tmp_path / "0001")


def test_one_network_after_another_is_trained_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    """As by --tune and --folds."""
    X = np.arange(80.0).reshape(40, 2)
    for width in range(8, 14):
        model = MyModel(epochs=1, width=width)
        model.train(X, X[:, 0] > 40)
        model.predict(X)
    assert caplog.text == ""
