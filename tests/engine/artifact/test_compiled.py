"""Promises of the comparison: a compiled model is kept only if it chooses the labels that the model chooses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from _engine.artifact.compiled import agreement, compare, decide

LABELS = np.array(["no", "yes"])
SCORES = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])


def pair(off: float, threshold: float | None) -> tuple[Any, Any]:
    """A compiled model whose probabilities are so far off, and its model."""

    compiled = SimpleNamespace(infer=lambda X, labels, proba: decide(SCORES + np.array([-off, off]), labels, proba))
    model = SimpleNamespace(
        labels=LABELS, threshold=threshold, encode=lambda X: X, infer=lambda X, proba: decide(SCORES, LABELS, proba)
    )
    return compiled, model


def test_from_the_threshold_on_the_second_label_is_chosen() -> None:
    assert decide(SCORES, LABELS, threshold=0.3).tolist() == ["no", "yes", "yes"]
    assert decide(SCORES, LABELS, threshold=0.9).tolist() == ["no", "no", "no"]


def test_scores_of_every_shape_are_answered_alike() -> None:
    assert decide(SCORES, LABELS).tolist() == decide(SCORES[:, 1], LABELS).tolist() == ["no", "no", "yes"]
    assert decide(SCORES[:, 1], LABELS, proba=True) == pytest.approx(SCORES)
    assert decide(SCORES[:, :1], None).tolist() == decide(SCORES[:, 0], None).tolist() == [0.9, 0.7, 0.2]
    assert decide(SCORES, None).shape == (3, 2)
    assert decide(np.empty((0, 1), np.float32), None).shape == (0,)


@pytest.mark.parametrize("threshold", [None, 0.2, 0.31])
def test_a_difference_that_decides_nothing_is_allowed(threshold: float | None) -> None:
    assert compare(*pair(-1e-6, threshold), SCORES) == pytest.approx(1e-6)


def test_a_label_that_differs_at_the_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"its labels differ from the model's at the threshold 0\.3"):
        compare(*pair(-1e-6, 0.3), SCORES)


def test_how_near_the_answers_are_is_told_of_scores_and_of_numbers() -> None:
    """A regression has no scores, and its numbers may be large."""
    assert agreement(8.4e-8, True) == "scores within 8e-08"
    assert agreement(0.0612, False) == "numbers within 0.06"
    compiled: Any = SimpleNamespace(infer=lambda X, labels, proba: SCORES[:, 0] + 1)
    model = SimpleNamespace(labels=None, threshold=None, encode=lambda X: X, infer=lambda X, proba: SCORES[:, 0])
    with pytest.raises(ValueError, match="its numbers differ from the model's by up to 1"):
        compare(compiled, model, SCORES)
