"""Figures of an evaluation: arrays to numbers, with scikit-learn's metrics. Not here: the metrics of metadata.json."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import msgspec
import numpy as np
from sklearn import metrics

from ..contract.privacy import rounded
from ..contract.rows import to_json
from ..contract.signature import Signature
from . import chance
from .contents import Bin, Confusion, Curve, Density, Evaluation, Figures, Label, WorstRow

#: Labels that the confusion matrix tells apart, that have curves, and each of which has an area under one, at most.
MATRIX, CURVES, RANKED = 20, 6, 100
#: Rows that are named as the worst.
WORST = 10
#: Points of a curve, bins of calibration, and intervals of numbers, at most.
POINTS, BINS, INTERVALS = 200, 10, 24
OTHERS = "all others"


def compute(evaluation: Evaluation, signature: Signature, show_rows: bool) -> Figures:
    """The figures of an evaluation. The values of the worst rows are in it only where `show_rows`."""
    worst, labels = _worst(evaluation, signature, show_rows), evaluation.labels
    found = _of_numbers(evaluation, worst) if labels is None else _of_labels(evaluation, labels, worst)
    return msgspec.structs.replace(found, by_chance=chance.possible(evaluation))


# -- labels ---------------------------------------------------------------------------------------------------


def _of_labels(evaluation: Evaluation, labels: np.ndarray, worst: List[WorstRow]) -> Figures:
    y, y_hat, proba = evaluation.y, evaluation.y_hat, evaluation.proba
    frequent = _by_frequency(labels, y)
    # Of two labels, the second one's curves say all.
    drawn = labels[1:] if len(labels) == 2 else frequent[:CURVES]
    positions = [(label, int(np.searchsorted(labels, label))) for label in drawn]
    scored = [(str(label), y == label, proba[:, at]) for label, at in positions] if proba is not None else []
    scored = [(name, truth, scores) for name, truth, scores in scored if truth.any() and not truth.all()]
    return Figures(
        rows=len(y),
        labels=_each_label(evaluation, labels),
        confusion=_confusion(y, y_hat, frequent),
        roc=[_roc(*one) for one in scored],
        precision_recall=[_precision_recall(*one) for one in scored],
        calibration=[] if proba is None else _calibration_of_labels(y, proba, labels),
        worst=worst,
    )


def _by_frequency(labels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The labels, those of most rows first."""
    seen, counts = np.unique(y, return_counts=True)
    rows = dict(zip(seen.tolist(), counts.tolist()))
    return labels[np.argsort([-rows.get(label, 0) for label in labels.tolist()], kind="stable")]


def _each_label(evaluation: Evaluation, labels: np.ndarray) -> List[Label]:
    y, proba = evaluation.y, evaluation.proba
    precision, recall, f1, rows = metrics.precision_recall_fscore_support(
        y, evaluation.y_hat, labels=labels, zero_division=0
    )
    found = []
    for at, label in enumerate(labels):
        truth = y == label
        told = proba is not None and 0 < rows[at] < len(y) and len(labels) <= RANKED
        area = metrics.roc_auc_score(truth, proba[:, at]) if told and proba is not None else None
        answered = bool((evaluation.y_hat == label).any())
        found.append(
            Label(
                str(label),
                int(rows[at]),
                float(precision[at]) if answered else None,
                float(recall[at]) if rows[at] else None,
                float(f1[at]) if rows[at] or answered else None,
                None if area is None else float(area),
            )
        )
    return found


def _confusion(y: np.ndarray, y_hat: np.ndarray, frequent: np.ndarray) -> Confusion:
    """The matrix of the most frequent labels, in their order, and of all others together."""
    told = np.sort(frequent[:MATRIX])

    def places(values: np.ndarray) -> np.ndarray:
        at = np.searchsorted(told, values).clip(max=len(told) - 1)
        return np.where(told[at] == values, at, len(told))

    counts = metrics.confusion_matrix(places(y), places(y_hat), labels=range(len(told) + 1))
    names = [*map(str, told.tolist()), OTHERS]
    if not counts[-1].any() and not counts[:, -1].any():
        names, counts = names[:-1], counts[:-1, :-1]
    return Confusion(names, counts.tolist())


def _roc(name: str, truth: np.ndarray, scores: np.ndarray) -> Curve:
    wrong, right, _ = metrics.roc_curve(truth, scores)
    return _curve(name, wrong, right, metrics.roc_auc_score(truth, scores))


def _precision_recall(name: str, truth: np.ndarray, scores: np.ndarray) -> Curve:
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    return _curve(name, recall[::-1], precision[::-1], metrics.average_precision_score(truth, scores))


def _curve(name: str, x: np.ndarray, y: np.ndarray, area: float) -> Curve:
    """A line with few enough points, rounded: more would tell single rows' scores."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).astype(int))
    return Curve(name, x[kept].round(3).tolist(), y[kept].round(3).tolist(), float(area))


def _calibration_of_labels(y: np.ndarray, proba: np.ndarray, labels: np.ndarray) -> List[Bin]:
    """Of two labels, the second one's probability; of more, that of the likeliest label."""
    if len(labels) == 2:
        return _bins(proba[:, 1], y == labels[1], np.linspace(0, 1, BINS + 1)[1:-1])
    likeliest = proba.argmax(axis=1)
    return _bins(proba.max(axis=1), labels[likeliest] == y, np.linspace(0, 1, BINS + 1)[1:-1])


# -- numbers --------------------------------------------------------------------------------------------------


def _of_numbers(evaluation: Evaluation, worst: List[WorstRow]) -> Figures:
    y, y_hat = evaluation.y.astype(np.float64), evaluation.y_hat.astype(np.float64)
    edges = _edges(np.concatenate([y, y_hat]))
    errors = _edges(y_hat - y)
    grid, _, _ = np.histogram2d(y_hat.clip(edges[0], edges[-1]), y.clip(edges[0], edges[-1]), [edges, edges])
    histogram, _ = np.histogram((y_hat - y).clip(errors[0], errors[-1]), errors)
    tenths = np.unique(np.quantile(y_hat, np.linspace(0, 1, BINS + 1)[1:-1]))
    return Figures(
        rows=len(y),
        calibration=[Bin(rounded(one.predicted), rounded(one.observed), one.rows) for one in _bins(y_hat, y, tenths)],
        residuals=Density(errors.tolist(), histogram.astype(int).tolist()),
        predicted_against_true=Density(edges.tolist(), grid.astype(int).tolist()),
        worst=worst,
    )


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges of intervals around most values, rounded outwards: the extreme ones are single rows'."""
    low, high = np.quantile(values, [0.01, 0.99])
    step = 10.0 ** np.floor(np.log10((high - low) / 10)) if high > low else abs(low) / 10 or 1.0
    low, high = np.floor(low / step) * step, np.ceil(high / step) * step
    return np.linspace(low, high if high > low else low + step, INTERVALS + 1)


# -- both -----------------------------------------------------------------------------------------------------


def _bins(predicted: np.ndarray, observed: np.ndarray, edges: np.ndarray) -> List[Bin]:
    """The bins between these inner edges that have rows."""
    at = np.digitize(predicted, edges)
    chosen = [at == place for place in range(len(edges) + 1)]
    return [
        Bin(float(predicted[rows].mean()), float(observed[rows].mean()), int(rows.sum()))
        for rows in chosen
        if rows.any()
    ]


def _worst(evaluation: Evaluation, signature: Signature, show_rows: bool) -> List[WorstRow]:
    """The rows where the model is most off, the worst first; of labels, only those that are wrong."""
    errors, order = _errors(evaluation)
    found = []
    for at in order[:WORST].tolist():
        target, prediction = (_plain(values[at]) for values in (evaluation.y, evaluation.y_hat))
        if evaluation.labels is None and not show_rows:  # a number may be somebody's
            target = prediction = None
        values = _values(evaluation.X, at, signature) if show_rows else None
        found.append(WorstRow(int(evaluation.rows[at]), rounded(float(errors[at])), target, prediction, values))
    return found


def _errors(evaluation: Evaluation) -> Tuple[np.ndarray, np.ndarray]:
    """How far the model is off, [rows], and the positions of the rows to name."""
    y, y_hat, proba, labels = evaluation.y, evaluation.y_hat, evaluation.proba, evaluation.labels
    if labels is None:
        errors = np.abs(y.astype(np.float64) - y_hat)
        return errors, np.argsort(-errors, kind="stable")
    errors = (y_hat != y).astype(float)
    if proba is not None:
        at = np.searchsorted(labels, y).clip(max=len(labels) - 1)
        errors = np.where(labels[at] == y, 1 - proba[np.arange(len(y)), at], 1.0)
    order = np.argsort(-errors, kind="stable")
    return errors, order[(y_hat != y)[order]]


def _values(X: Any, at: int, signature: Signature) -> Optional[dict[str, Any]]:
    """A row by the names of its columns; None where it is a tensor."""
    if signature.tensor:
        return None
    (row,) = to_json(signature, X[at : at + 1])
    return row if isinstance(row, dict) else dict(zip(signature.names, row))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
