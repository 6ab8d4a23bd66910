"""Promises of scikit-learn's model, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from ..._engine.artifact.compiled import CompiledModel
from ..._engine.training.graphs import vectorised
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


@pytest.mark.parametrize("estimator", ["linear", "boosting", "forest"])
def test_each_estimator_answers_as_trained_once_loaded_and_has_a_compiled_model(
    table: Table, tmp_path: Path, estimator: str
) -> None:
    """Bit by bit: what is loaded leaves out what scikit-learn checks again and again."""
    X, y = table
    trained = MyModel(estimator=estimator)
    trained.train(X, y)
    trained.evaluate(X, y)
    trained.save(tmp_path / "0001", extras_seconds=300, report=False)  # a busy machine takes its time
    loaded = MyModel(dirpath=tmp_path / "0001")
    for rows in (X[:1], X):
        for proba in (False, True):
            np.testing.assert_array_equal(loaded.predict(rows, proba), trained.predict(rows, proba))
    assert trained.compiled_note.startswith("Compiled model"), trained.compiled_note


def test_a_compiled_model_scales_by_plain_arithmetic_bit_by_bit_as_converted(table: Table) -> None:
    """ONNX Runtime's own operator takes longer than the rest of a linear model."""
    X, y = table
    model = MyModel(estimator="linear")
    model.train(X, y)
    converted = model.to_onnx()
    made = vectorised(converted)
    assert (b"Scaler" in converted, b"Scaler" in made) == (True, False)
    encoded = model.encode(model.preprocess(model.signature.conform(X)))
    encoded[::3] = np.nan
    before, after = (CompiledModel(graph).infer(encoded, model.labels, True) for graph in (converted, made))
    np.testing.assert_array_equal(before, after)
