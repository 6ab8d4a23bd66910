"""Promises of the comparison: a compiled model is kept only if it chooses the labels that the model chooses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from _engine.artifact.compiled import choose, compare

LABELS = np.array(["no", "yes"])
SCORES = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])


def pair(off: float, threshold: float | None) -> tuple[Any, Any]:
    """A compiled model whose probabilities are so far off, and its model."""

    def answer(scores: np.ndarray, proba: bool) -> np.ndarray:
        return scores if proba else LABELS[scores.argmax(axis=1)]

    compiled = SimpleNamespace(infer=lambda X, labels, proba: answer(SCORES + np.array([-off, off]), proba))
    model = SimpleNamespace(
        labels=LABELS, threshold=threshold, encode=lambda X: X, infer=lambda X, proba: answer(SCORES, proba)
    )
    return compiled, model


def test_from_the_threshold_on_the_second_label_is_chosen() -> None:
    assert choose(SCORES, LABELS, 0.3).tolist() == ["no", "yes", "yes"]
    assert choose(SCORES, LABELS, 0.9).tolist() == ["no", "no", "no"]


@pytest.mark.parametrize("threshold", [None, 0.2, 0.31])
def test_a_difference_that_decides_nothing_is_allowed(threshold: float | None) -> None:
    assert compare(*pair(-1e-6, threshold), SCORES) == pytest.approx(1e-6)


def test_a_label_that_differs_at_the_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"its labels differ from the model's at the threshold 0\.3"):
        compare(*pair(-1e-6, 0.3), SCORES)
