"""How well predictions agree with the data, and whether better than without a model. Not here: predicting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import metrics

#: What a model does better at than one that knows nothing: the metric, that one's metric, and which way is better.
COMPARISONS = (
    ("accuracy", "baseline_accuracy", 1),
    ("log_loss", "baseline_log_loss", -1),
    ("rmse", "baseline_rmse", -1),
    ("mae", "baseline_mae", -1),
)
#: Where labels count alike, however many rows they have.
BALANCED = (("balanced_accuracy", "baseline_balanced_accuracy", 1),)


def score(
    task: str, y: np.ndarray, y_hat: np.ndarray, proba: np.ndarray | None, labels: np.ndarray | None
) -> dict[str, float]:
    """The usual metrics, by name, beside those of a model that knows nothing (baseline_...): it answers the most
    frequent label or the median, and as probabilities how frequent labels are.

    What these rows do not suffice to compute is left out. `unseen_labels` is the number of labels that none of them
    has, where there are such labels: the other metrics say nothing of them.
    """
    scores = _of_numbers(y, y_hat) if task == "regression" else _of_labels(y, y_hat, proba, labels)
    return {name: float(value) for name, value in scores.items() if np.isfinite(value)}


def unseen(y: np.ndarray, labels: np.ndarray | None) -> list[Any]:
    """The labels that a model tells apart and that no row has."""
    return [] if labels is None else np.setdiff1d(labels, y).tolist()


def unanswered(y: np.ndarray, y_hat: np.ndarray, labels: np.ndarray | None) -> list[Any]:
    """The labels that a model tells apart, that some rows have, and that no row is answered with."""
    return [] if labels is None else np.setdiff1d(np.intersect1d(y, labels), y_hat).tolist()


def useless(scores: Mapping[str, float], balanced: bool) -> str:
    """How a model is no better than one that knows nothing, in numbers, or "" where it is better in some way.

    `balanced` says that all labels were to count alike. Where all rows have the same value there is nothing to compare.
    """
    pairs = [pair for pair in COMPARISONS + BALANCED * balanced if pair[0] in scores and pair[1] in scores]
    # Of rows that are all alike, one that knows nothing is right.
    alike = scores.get("baseline_accuracy") == 1 or scores.get("baseline_mae") == 0
    if alike or any((scores[name] - scores[baseline]) * sign > 0 for name, baseline, sign in pairs):
        return ""
    return ", ".join(f"{name} {scores[name]:.4g} (baseline {scores[baseline]:.4g})" for name, baseline, _ in pairs)


def _of_numbers(y: np.ndarray, y_hat: np.ndarray) -> dict[str, Any]:
    return {
        "mae": metrics.mean_absolute_error(y, y_hat),
        "rmse": np.sqrt(metrics.mean_squared_error(y, y_hat)),
        "r2": metrics.r2_score(y, y_hat) if len(y) > 1 else np.nan,
        "baseline_mae": np.abs(y - np.median(y)).mean(),
        "baseline_rmse": y.std(),
    }


def _of_labels(y: np.ndarray, y_hat: np.ndarray, proba: np.ndarray | None, labels: np.ndarray | None) -> dict[str, Any]:
    seen, counts = np.unique(y, return_counts=True)
    frequencies = counts / len(y)
    scores = {
        "accuracy": metrics.accuracy_score(y, y_hat),
        "balanced_accuracy": metrics.recall_score(y, y_hat, labels=seen, average="macro"),
        "f1_macro": metrics.f1_score(y, y_hat, average="macro"),
        "baseline_accuracy": frequencies.max(),
        "baseline_balanced_accuracy": 1 / len(seen),
    }
    if proba is not None and labels is not None and np.isin(y, labels).all():
        of_truth = proba[np.arange(len(y)), np.searchsorted(labels, y)]
        scores["log_loss"] = -np.log(of_truth.clip(1e-15)).mean()
        scores["baseline_log_loss"] = -(frequencies * np.log(frequencies)).sum()
        if len(labels) == 2 and len(seen) == 2:
            scores["roc_auc"] = metrics.roc_auc_score(y == labels[1], proba[:, 1])
    if unseen(y, labels):
        scores["unseen_labels"] = len(unseen(y, labels))
    return scores
