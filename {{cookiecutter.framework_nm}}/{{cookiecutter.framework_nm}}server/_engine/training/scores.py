"""How well predictions agree with the data. Not here: predicting."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import metrics


def score(
    task: str, y: np.ndarray, y_hat: np.ndarray, proba: np.ndarray | None, labels: np.ndarray | None
) -> dict[str, float]:
    """The usual metrics, by name, beside those of a model that knows nothing (baseline_...).

    What these rows do not suffice to compute is left out.
    """
    scores = _score(task, y, y_hat, proba, labels)
    return {name: float(value) for name, value in scores.items() if np.isfinite(value)}


def _score(
    task: str, y: np.ndarray, y_hat: np.ndarray, proba: np.ndarray | None, labels: np.ndarray | None
) -> dict[str, Any]:
    if task == "regression":
        return {
            "mae": metrics.mean_absolute_error(y, y_hat),
            "rmse": np.sqrt(metrics.mean_squared_error(y, y_hat)),
            "r2": metrics.r2_score(y, y_hat) if len(y) > 1 else np.nan,
            "baseline_mae": np.abs(y - np.median(y)).mean(),
        }
    scores = {
        "accuracy": metrics.accuracy_score(y, y_hat),
        "f1_macro": metrics.f1_score(y, y_hat, average="macro"),
        "baseline_accuracy": np.unique(y, return_counts=True)[1].max() / len(y),
    }
    if proba is not None and labels is not None and np.isin(y, labels).all():
        of_truth = proba[np.arange(len(y)), np.searchsorted(labels, y)]
        scores["log_loss"] = -np.log(of_truth.clip(1e-15)).mean()
        if len(labels) == 2 and len(np.unique(y)) == 2:
            scores["roc_auc"] = metrics.roc_auc_score(y == labels[1], proba[:, 1])
    return scores
