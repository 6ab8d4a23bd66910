"""Promises of the compiled model: it answers as the model does, or there is none."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from ..._engine.artifact.compiled import CompiledModel, compare
from ...trainer._core import ModelError
from ...trainer.model import MyModel
from .trained import DESCRIBED, REPORT, compiles, files_of, numbers


class Endless(MyModel):
    """Is never compiled to the end."""

    def to_onnx(self) -> bytes:
        while True:
            time.sleep(60)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_compiled_model_answers_as_the_model_does(tmp_path: Path, task: str) -> None:
    """Labels are equal, and scores agree to 1e-5; where a framework has no compiled model, training says so."""
    X, y = numbers(task)
    model = MyModel(task=task)
    model.train(X, y)
    model.evaluate(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    if not compiles():
        assert model.compiled_note.startswith("No compiled model: ")
        assert files_of(tmp_path / "0001") == {*DESCRIBED, *REPORT, model.WEIGHTS}
        assert MyModel(dirpath=tmp_path / "0001", runtime="auto").platform == MyModel.FRAMEWORK
        return
    assert "agrees on 200 rows" in model.compiled_note
    compiled = MyModel(dirpath=tmp_path / "0001", runtime="auto")
    assert compiled.platform == "onnxruntime"
    if task == "regression":
        np.testing.assert_allclose(compiled.predict(X), model.predict(X), rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(compiled.predict(X), model.predict(X))
        np.testing.assert_allclose(compiled.predict(X, proba=True), model.predict(X, proba=True), rtol=1e-5, atol=1e-5)


def test_a_compiled_model_that_disagrees_is_refused(tmp_path: Path) -> None:
    X, y = numbers()
    model, other = MyModel(), MyModel()
    model.train(X, y)
    other.train(X, np.where(X[:, 0] > 0.5, "up", "down"))
    if compiles():
        (tmp_path / "model.onnx").write_bytes(other.to_onnx())
        with pytest.raises(ValueError, match="its labels differ from the model's"):
            compare(CompiledModel(tmp_path / "model.onnx"), model, model.preprocess(X))
    model.save(tmp_path / "0001")
    assert MyModel(dirpath=tmp_path / "0001", runtime="auto").platform == MyModel.FRAMEWORK
    with pytest.raises(ModelError, match="has no compiled model"):
        MyModel(dirpath=tmp_path / "0001", runtime="onnx")


def test_a_compiled_model_that_takes_too_long_is_left_out(tmp_path: Path) -> None:
    """The model is saved anyway, and training says what allows more time."""
    X, y = numbers()
    model = Endless()
    model.train(X, y)
    model.evaluate(X, y)
    for seconds, reason in ((0.5, "the conversion took longer than 0.5 seconds"), (0, "--extras_seconds is 0")):
        model.save(tmp_path / str(seconds), extras_seconds=seconds)
        assert files_of(tmp_path / str(seconds)) == {*DESCRIBED, model.WEIGHTS, *(REPORT if seconds else ())}
        if model.WEIGHTS != "model.onnx":
            assert reason in model.compiled_note
    assert sorted(files_of(tmp_path)) == ["0", "0.5"]
    np.testing.assert_array_equal(MyModel(dirpath=tmp_path / "0.5").predict(X), model.predict(X))
