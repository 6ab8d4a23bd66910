"""Promises of scores: they are the usual ones, and what the rows do not suffice for is left out."""

from __future__ import annotations

import numpy as np
import pytest
from _engine.training.scores import score


def test_numbers_are_scored_beside_a_model_that_knows_nothing() -> None:
    y = np.array([1.0, 2.0, 3.0, 6.0])
    scores = score("regression", y, y + np.array([1, -1, 1, -1]), None, None)
    assert scores == pytest.approx({"mae": 1, "rmse": 1, "r2": 1 - 4 / 14, "baseline_mae": 1.5})


def test_a_single_row_has_no_r2() -> None:
    assert score("regression", np.array([1.0]), np.array([3.0]), None, None) == {"mae": 2, "rmse": 2, "baseline_mae": 0}


def test_labels_are_scored_with_their_probabilities() -> None:
    labels, y = np.array(["no", "yes"]), np.array(["no", "no", "no", "yes"])
    proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    scores = score("classification", y, labels[proba.argmax(axis=1)], proba, labels)
    assert (scores["accuracy"], scores["baseline_accuracy"], scores["roc_auc"]) == (0.75, 0.75, 1)
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.7]).mean())


def test_a_label_that_training_never_saw_has_no_probability() -> None:
    labels, y = np.array(["no", "yes"]), np.array(["no", "perhaps"])
    scores = score("classification", y, np.array(["no", "no"]), np.array([[0.9, 0.1], [0.8, 0.2]]), labels)
    assert "log_loss" not in scores
    assert scores["accuracy"] == 0.5
