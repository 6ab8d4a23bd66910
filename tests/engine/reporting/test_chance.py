"""Promises of what is said of a model that may be no better than one that knows nothing: by paired errors of rows."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest
from _engine.reporting import chance
from _engine.reporting.contents import Evaluation
from _engine.training import command
from _engine.training.settings import TrainingSettings
from pickled import Pickled


class First(Pickled):
    """Answers the first column."""

    def fit(self, X: Any, y: np.ndarray) -> None:
        self.model = "as it is"

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return np.asarray(X[:, 0])


def evaluation(y: Any, y_hat: Any, proba: Any = None, labels: Optional[list[str]] = None) -> Evaluation:
    y, y_hat = np.array(y), np.array(y_hat)
    known = None if labels is None else np.array(labels)
    return Evaluation(None, y, y_hat, None if proba is None else np.array(proba), known, np.arange(len(y)))


@pytest.mark.parametrize("task", ["labels", "numbers"])
def test_guesses_are_told_from_knowledge_on_a_dozen_rows(task: str) -> None:
    """Of guesses, as many are taken for knowledge as chance allows: one of twenty by each measure at most."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(200):
        if task == "labels":
            y, guessed = random.permutation(np.array(["no", "yes"] * 6)), random.choice(["no", "yes"], 12)
            answers, labels = (guessed, y), ["no", "yes"]
        else:
            y, guessed = random.normal(size=(2, 12))
            answers, labels = (guessed, y + guessed / 10), None
        found.append([chance.possible(evaluation(y, answer, labels=labels)) for answer in answers])
    guesses, known = np.mean(found, axis=0)
    assert guesses > 0.9
    assert known == 0


#: Nine of ten rows have the first label.
RARE = ["no"] * 90 + ["yes"] * 10


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (evaluation([1.0], [1.0]), False),
        (evaluation([1.0, 2.0], [1.4, 1.5]), True),
        (evaluation([3.0] * 9, range(9)), False),  # they are all alike
        (evaluation(["a"] * 5, ["b"] * 5, labels=["a", "b"]), False),
        (evaluation(RARE, ["no"] * 100, [[0.9, 0.1]] * 100, ["no", "yes"]), True),
        (evaluation(RARE, ["no"] * 100, [[0.97, 0.03]] * 90 + [[0.6, 0.4]] * 10, ["no", "yes"]), False),
        # Less accurate than the most frequent label, and yet it tells the rare one.
        (evaluation(RARE, ["yes"] * 20 + ["no"] * 70 + ["yes"] * 10, labels=["no", "yes"]), False),
        (evaluation(["a", "b", "c"] * 9, ["a"] * 27, [[0.5, 0.5]] * 27, ["a", "b"]), True),  # one is unknown
    ],
)
def test_each_measure_may_show_that_a_model_knows_something(found: Evaluation, expected: bool) -> None:
    assert chance.possible(found) is expected


@pytest.mark.parametrize("answers, said", [([1.4, 1.5], True), ([1.0, 2.1], False)])
def test_training_says_so(answers: list[float], said: bool, capsys: pytest.CaptureFixture[str]) -> None:
    model = First(task="regression")
    model.train(np.arange(40.0).reshape(20, 2), np.arange(20.0))
    options: dict[str, Any] = {}
    rows, y = pd.DataFrame({"x0": answers, "x1": 0.0}), pd.Series([1.0, 2.0])
    command.evaluate(model, rows, y, "", TrainingSettings(**options))
    assert ("may be no better than one that knows nothing: on 2 rows" in capsys.readouterr().out) is said
