"""Promises of scores: they are the usual ones, and what the rows do not suffice for is left out."""

from __future__ import annotations

import numpy as np
import pytest
from _engine.training.scores import score, unanswered, unseen, useless


def test_numbers_are_scored_beside_a_model_that_knows_nothing() -> None:
    y = np.array([1.0, 2.0, 3.0, 6.0])
    scores = score("regression", y, y + np.array([1, -1, 1, -1]), None, None)
    assert scores == pytest.approx(
        {"mae": 1, "rmse": 1, "r2": 1 - 4 / 14, "baseline_mae": 1.5, "baseline_rmse": 14**0.5 / 2}
    )


def test_a_single_row_has_no_r2() -> None:
    scores = score("regression", np.array([1.0]), np.array([3.0]), None, None)
    assert scores == {"mae": 2, "rmse": 2, "baseline_mae": 0, "baseline_rmse": 0}


def test_labels_are_scored_with_their_probabilities() -> None:
    labels, y = np.array(["no", "yes"]), np.array(["no", "no", "no", "yes"])
    proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    scores = score("classification", y, labels[proba.argmax(axis=1)], proba, labels)
    assert (scores["accuracy"], scores["baseline_accuracy"], scores["roc_auc"]) == (0.75, 0.75, 1)
    assert scores["balanced_accuracy"] == pytest.approx(5 / 6)
    assert scores["baseline_balanced_accuracy"] == 0.5
    assert scores["baseline_log_loss"] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert "unseen_labels" not in scores
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.7]).mean())


def test_a_label_that_training_never_saw_has_no_probability() -> None:
    labels, y = np.array(["no", "yes"]), np.array(["no", "perhaps"])
    scores = score("classification", y, np.array(["no", "no"]), np.array([[0.9, 0.1], [0.8, 0.2]]), labels)
    assert "log_loss" not in scores
    assert scores["accuracy"] == 0.5


def test_labels_that_no_row_has_are_counted() -> None:
    labels, y = np.array(["a", "b", "c"]), np.array(["a", "a"])
    scores = score("classification", y, y, np.full((2, 3), 1 / 3), labels)
    assert (scores["accuracy"], scores["unseen_labels"]) == (1, 2)
    assert unseen(y, labels) == ["b", "c"]


def test_labels_that_no_row_is_answered_with_are_named() -> None:
    y, y_hat = np.array(["a", "b", "b", "new"]), np.array(["a", "a", "a", "a"])
    assert unanswered(y, y_hat, np.array(["a", "b", "c"])) == ["b"]
    assert unanswered(y, y, np.array(["a", "b", "c"])) == []
    assert unanswered(np.array([1.0]), np.array([2.0]), None) == []


#: Nine of ten rows have the first label.
RARE = np.array(["no"] * 90 + ["yes"] * 10)


def scores_of(probability: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """Those of a model that gives the rows of RARE these probabilities of "yes"."""
    labels = np.array(["no", "yes"])
    proba = np.column_stack([1 - probability, probability])
    return score("classification", RARE, labels[(probability >= threshold).astype(int)], proba, labels)


@pytest.mark.parametrize(
    ("scores", "balanced", "expected"),
    [
        (scores_of(np.full(100, 0.1)), False, "accuracy 0.9 (baseline 0.9), log_loss 0.3251 (baseline 0.3251)"),
        (
            scores_of(np.where(np.arange(100) % 2, 1.0, 0.0)),
            False,
            "accuracy 0.5 (baseline 0.9), log_loss 17.27 (baseline",
        ),
        (scores_of(np.where(RARE == "yes", 0.3, 0.05)), False, ""),  # never "yes", and yet it knows
        (scores_of(np.where(RARE == "yes", 0.7, 0.6)), False, "accuracy 0.1 (baseline 0.9), log_loss"),
        (scores_of(np.where(RARE == "yes", 0.7, 0.6), 0.65), False, ""),
        (scores_of(np.where((RARE == "yes") | (np.arange(100) < 30), 0.9, 0.4)), False, "accuracy 0.7 (baseline 0.9)"),
        (scores_of(np.where((RARE == "yes") | (np.arange(100) < 30), 0.9, 0.4)), True, ""),
        (score("regression", np.arange(9.0), np.full(9, 4.0), None, None), False, "rmse 2.582 (baseline 2.582), mae"),
        (score("regression", np.arange(9.0), np.arange(9.0) + 1, None, None), False, ""),
        # Errors are smaller in squares, as such models are made, and larger otherwise.
        (score("regression", np.array([0.0] * 9 + [10]), np.full(10, 1.0), None, None), True, "rmse 3 (baseline 3)"),
        (score("regression", np.array([0.0] * 9 + [10]), np.array([1.0] * 9 + [2.0]), None, None), False, ""),
        (score("classification", RARE[:5], RARE[-5:], None, None), False, ""),  # they are all alike
        (score("regression", np.array([0.1] * 9), np.arange(9.0), None, None), False, ""),
    ],
    ids=[*"abcdefghijklm"],
)
def test_a_model_is_useless_that_is_better_in_nothing(scores: dict[str, float], balanced: bool, expected: str) -> None:
    found = useless(scores, balanced)
    assert found.startswith(expected)
    assert bool(found) == bool(expected)
