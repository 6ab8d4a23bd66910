"""Explanations: a framework's contributions to the score that was predicted, and the model that is asked for them.

Not here: the contributions themselves, which are in trainer/model.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import NoExplanations
from ..contract.features import Features
from .places import Places

if TYPE_CHECKING:
    from .model import Model


def explainer(model: Model) -> Model:
    """The model in the framework's own form. Raises as `Model.explainer` does."""
    if type(model).contributions is Places.contributions:
        raise NoExplanations(f"{model.FRAMEWORK} gives no explanations of its own")
    return model.native()


def explain(model: Model, X: Any) -> list[dict[str, Any]]:
    """Explain rows in the signature's form with a model in the framework's own form."""
    prepared = model.preprocess(X)
    encoded = model.encode(prepared)
    try:
        scores = model.contributions(encoded)
    except NotImplementedError as error:
        raise NoExplanations(str(error)) from error
    order = model.state.get("label_order")
    if order:  # one score is that of the model's own second label
        scores = -scores if scores.shape[1] == 1 else scores[:, order]
    y_hat = model.conclude(encoded, False)
    chosen = _of_predictions(scores, y_hat, model.labels)
    return _as_records(chosen, model.postprocess(y_hat), prepared, Features(model.signature).names)


def _of_predictions(scores: np.ndarray, y_hat: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Pick the contributions to each prediction's score, [rows, columns + 1], from those to all scores, [rows,
    scores, columns + 1], as `contributions` gives them."""
    if labels is None:
        return scores[:, 0]
    at = np.searchsorted(labels, y_hat)
    if scores.shape[1] == 1:  # the second label's, and the first label's with the other sign
        signed: np.ndarray = scores[:, 0] * np.where(at == 1, 1, -1)[:, None]
        return signed
    return scores[np.arange(len(at)), at]


def _as_records(chosen: np.ndarray, answers: np.ndarray, prepared: Any, names: list[str]) -> list[dict[str, Any]]:
    """An explanation per row: the prediction, the base, and the contributions by the names of preprocessed columns."""
    columns = list(prepared.columns) if hasattr(prepared, "columns") else names
    if len(columns) != chosen.shape[1] - 1:  # `preprocess` made others
        columns = [f"x{i}" for i in range(chosen.shape[1] - 1)]
    return [
        {"prediction": prediction, "base": base, "contributions": dict(zip(columns, added))}
        for prediction, (*added, base) in zip(answers.tolist(), chosen.tolist())
    ]
