"""Promises of explanations: they add up to what is predicted, or the framework says that it has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ...trainer._core import ModelError
from ...trainer.model import MyModel
from .trained import Table, explains, numbers


def test_contributions_add_up_to_the_number_predicted() -> None:
    X, y = numbers("regression")
    model = MyModel(task="regression")
    model.train(X, y)
    if not explains():
        with pytest.raises(NotImplementedError, match="no explanations"):
            model.explain(X)
        return
    explanations = model.explain(X)
    sums = [item["base"] + sum(item["contributions"].values()) for item in explanations]
    np.testing.assert_allclose(sums, model.predict(X), rtol=1e-4, atol=1e-4)
    assert list(explanations[0]["contributions"]) == ["x0", "x1", "x2", "x3"]
    sizes = np.abs([list(item["contributions"].values()) for item in explanations]).mean(axis=0)
    assert list(np.argsort(sizes)[::-1][:2]) == [0, 1]  # what it was made of, in this order


@pytest.mark.parametrize("labels", [2, 3])
def test_a_label_is_explained_by_what_speaks_for_it(table: Table, labels: int) -> None:
    """Whichever label it is, and whatever the columns hold: numbers, truth values, text, missing values.

    Of two labels, it is explained in log-odds.
    """
    X, _ = table
    y = pd.qcut(X["monthly spend"], labels, labels=["low", "mid", "top"][:labels]).astype(str)
    model = MyModel()
    model.train(X, y)
    if not explains():
        with pytest.raises(NotImplementedError, match="no explanations"):
            model.explain(model.signature.conform(X))
        return
    explanations = model.explain(model.signature.conform(X))
    assert [item["prediction"] for item in explanations] == model.predict(X).tolist()
    assert {item["prediction"] for item in explanations} == set(y)
    contributions = pd.DataFrame([item["contributions"] for item in explanations])
    assert list(contributions.columns) == list(X.columns)
    assert contributions.abs().mean().idxmax() == "monthly spend"
    outer = [item["prediction"] != "mid" for item in explanations]
    assert (contributions.loc[outer, "monthly spend"] > 0).mean() > 0.9
    if labels == 2:
        log_odds = contributions.sum(axis=1) + [item["base"] for item in explanations]
        np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), model.predict(X, proba=True).max(axis=1), rtol=1e-5)


def test_weights_that_changed_after_loading_are_not_read_to_explain(tmp_path: Path) -> None:
    """They may be code by now. An explanation reads them where the compiled model answers."""
    X, y = numbers("classification")
    model = MyModel()
    model.train(X, y)
    model.evaluate(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    loaded = MyModel(dirpath=tmp_path / "0001", runtime="auto")
    weights = tmp_path / "0001" / MyModel.WEIGHTS
    if not explains():
        with pytest.raises(NotImplementedError, match="no explanations"):
            loaded.explainer()
        return
    assert loaded.compiled
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    for explain in (loaded.explainer, lambda: loaded.explain(X)):
        with pytest.raises(ModelError, match=f"{MyModel.WEIGHTS} is not the file .* has changed since .* reload"):
            explain()
    weights.unlink()
    with pytest.raises(ModelError, match=f"{MyModel.WEIGHTS} is missing.* has changed since .* reload"):
        loaded.explainer()
    weights.write_bytes(content)
    assert loaded.explainer().explain(X) == MyModel(dirpath=tmp_path / "0001").explain(X)
    weights.unlink()
    assert loaded.explainer().explain(X)  # of the copy that is there now
