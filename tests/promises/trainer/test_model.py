"""Promises of the model in process, whatever it is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ...trainer import preprocessor
from ...trainer._core import ModelError, Tensor
from ...trainer.model import MyModel
from .trained import Table, numbers


@pytest.mark.parametrize("dtype", ["string", "category", "object"])
def test_text_may_have_any_dtype_and_columns_any_kind_of_name(dtype: str) -> None:
    text = pd.Series(["a", None, "b"] * 10).astype(dtype)
    X = pd.DataFrame({0: np.arange(30.0), 1: text})
    model = MyModel()
    model.train(X, ["no", "yes", "yes"] * 10)
    assert model.signature.names == ["0", "1"]
    assert len(model.predict(X)) == 30


def test_labels_may_be_named_after_prediction(tmp_path: Path) -> None:
    """Evaluation compares what the data has, and the answer has the names."""

    class Named(MyModel):
        def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
            return np.array(["down", "up"])[y_hat]

    X, y = numbers()
    model = Named()
    model.train(X, (y == "up").astype(int))
    assert model.evaluate(X, (y == "up").astype(int))["accuracy"] > 0.8
    model.save(tmp_path / "0001")
    assert set(Named(dirpath=tmp_path / "0001").predict(X)) == {"down", "up"}


def test_prep_func_may_change_its_input_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are evaluated, and answered with two outputs, more than once: each time from what they were."""
    prep_func = preprocessor.prep_func

    def in_place(X: np.ndarray) -> np.ndarray:
        X[:, 0] *= -1
        return prep_func(X)

    monkeypatch.setattr(preprocessor, "prep_func", in_place)
    X, y = numbers()
    given = X.copy()
    X.setflags(write=False)  # as the bytes of a request are
    model = MyModel()
    model.train(X, y)
    assert model.evaluate(X, y)["accuracy"] > 0.8
    model.predict(X, proba=True)
    assert (model.predict(X) == y).mean() > 0.8
    np.testing.assert_array_equal(X, given)


def test_a_model_that_was_never_trained_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train it"):
        MyModel().predict([[1.0]])
    with pytest.raises(ModelError, match="train it"):
        MyModel().save(tmp_path / "0001")


def test_rows_may_be_tensors(tmp_path: Path) -> None:
    """Images, series, spectra: the signature has their shape, and `prep_func` makes of them what the model takes."""

    class OfImages(MyModel):
        def preprocess(self, X: np.ndarray) -> np.ndarray:
            return X.reshape(len(X), -1)

    images = np.random.default_rng(0).random((60, 4, 3))
    labels = np.where(images[:, 0, 0] > 0.5, "bright", "dark")
    model = OfImages()
    model.train(images, labels)
    model.evaluate(images, labels)
    model.save(tmp_path / "0001", extras_seconds=0)
    loaded = OfImages(dirpath=tmp_path / "0001", runtime="auto")
    assert loaded.signature.inputs == (Tensor("input-0", "FP64", (-1, 4, 3)),)
    np.testing.assert_array_equal(loaded.predict(images), model.predict(images))
    (example,) = json.loads((tmp_path / "0001" / "input.json").read_text())["instances"]
    assert np.shape(example) == (4, 3)
    with pytest.raises(ValueError, match=r"\['rows', 4, 3\], got \[60, 3, 4\]"):
        loaded.predict(images.reshape(60, 3, 4))


def test_a_device_answers_and_is_named_or_is_refused(model_dir: Path, table: Table) -> None:
    """Never a silent fall back to the CPU."""
    on_cpu = MyModel(dirpath=model_dir)
    try:
        on_gpu = MyModel(dirpath=model_dir, device="cuda")
    except ModelError as error:
        assert "the device cuda was requested" in str(error)
        return
    assert on_gpu.platform == f"{MyModel.FRAMEWORK}_cuda"
    X, _ = table
    np.testing.assert_allclose(on_gpu.predict(X, proba=True), on_cpu.predict(X, proba=True), rtol=1e-3, atol=1e-5)


def test_a_device_trains_or_is_refused(table: Table) -> None:
    """Apart from answering: some frameworks only train on a GPU."""
    try:
        model = MyModel(device="cuda")
    except ModelError as error:
        assert "the device cuda was requested" in str(error)
        return
    model.train(*table)
    metrics = model.evaluate(*table)
    assert metrics["accuracy"] > metrics["baseline_accuracy"]


def test_probabilities_come_one_per_label(model: MyModel, table: Table) -> None:
    proba = model.predict(table[0], proba=True)
    assert proba.shape == (len(table[0]), 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_columns_are_found_by_name_in_any_order(model: MyModel, table: Table) -> None:
    X, _ = table
    np.testing.assert_array_equal(model.predict(X[X.columns[::-1]]), model.predict(X))


def test_text_never_seen_in_training_is_answered(model: MyModel, table: Table) -> None:
    assert len(model.predict(table[0].head(1).assign(plan="brand new"))) == 1


@pytest.mark.parametrize(
    ("X", "y", "complaint"),
    [
        (np.zeros((0, 3)), np.zeros(0), "empty"),
        (np.zeros((4, 3)), np.zeros(3), "4 rows and y has 3"),
        (np.zeros((4, 3)), np.zeros(4), "all training rows have the label"),
        (np.full((4, 3), np.inf), np.arange(4), "infinite"),
    ],
)
def test_data_with_nothing_to_learn_from_is_refused(X: np.ndarray, y: np.ndarray, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        MyModel().train(X, y)
