"""Which of scikit-learn's estimators is chosen, by what, and that it is said."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from _engine.training.places import Places
from _engine.training.splitting import GroupSplit, Split
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(300, 2))
CORNERS = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")  # which no line parts
LINE = np.where(X[:, 0] > X[:, 1], "over", "under")


def model(y: np.ndarray) -> Places:
    made = Places()
    made.notes, made.report = [], lambda done, total: None
    made.labels = np.unique(y) if y.dtype.kind == "U" else None
    made.split = Split(y if made.labels is not None else np.zeros(len(y)))
    return made


def candidates(y: np.ndarray) -> dict[str, Pipeline]:
    classify = y.dtype.kind == "U"
    linear: Any = LogisticRegression() if classify else Ridge()
    tree: Any = DecisionTreeClassifier(random_state=0) if classify else DecisionTreeRegressor(random_state=0)
    return {"linear": make_pipeline(linear), "tree": make_pipeline(tree)}


@pytest.mark.parametrize(
    ("y", "best", "measure"),
    [
        (CORNERS, "tree", "accuracy"),
        (LINE, "linear", "accuracy"),
        (X[:, 0] * X[:, 1], "tree", "R2"),
        (X[:, 0] - X[:, 1], "linear", "R2"),
    ],
    ids=["corners", "line", "product", "difference"],
)
def test_the_better_one_is_chosen_and_both_scores_are_told(y: np.ndarray, best: str, measure: str) -> None:
    made = model(y)
    chosen = made.choose(candidates(y), X, y)
    assert type(chosen[-1]) is type(candidates(y)[best][-1])
    assert chosen.score(X, y) > 0.9  # it is fitted
    (note,) = made.notes
    assert note.startswith(f"{best} is chosen by {measure} in 5-fold cross-validation of 300 rows: linear ")
    assert ", tree " in note


@pytest.mark.parametrize(("columns", "rows"), [(2, 9_000), (100, 5_000), (900, 3_000)])
def test_wide_tables_are_compared_on_fewer_rows(columns: int, rows: int) -> None:
    y = np.arange(9_000.0)
    made = model(y)
    either = {"mean": make_pipeline(DummyRegressor()), "median": make_pipeline(DummyRegressor(strategy="median"))}
    made.choose(either, np.zeros((len(y), columns)), y)
    assert f" of {rows} rows: " in made.notes[0]


class Scoring(BaseEstimator):
    """Gets one of these scores in each fold."""

    def __init__(self, scores: tuple[float, ...]) -> None:
        self.scores = scores

    def fit(self, X: np.ndarray, y: np.ndarray) -> Scoring:
        self.fitted_ = True
        return self

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        return self.scores[int(X[:, 0].min() // 60)]


def test_the_first_of_equals_is_chosen() -> None:
    """Two estimators that are right as often are equal, though their means differ by a rounding."""
    scores = (0.6, 0.7, 0.8, 0.9, 1.0)
    rows = np.arange(300.0)
    for others in itertools.permutations(scores):
        made = model(rows)
        made.split = GroupSplit(rows // 60)
        made.choose(
            {"first": make_pipeline(Scoring(scores)), "second": make_pipeline(Scoring(others))}, rows[:, None], rows
        )
        assert made.notes[0].startswith("first is chosen ")


def test_labels_of_few_rows_count_where_all_count_alike() -> None:
    y = np.where(X[:, 0] > 1.5, "rare", "usual")
    made = model(y)
    made.choose(candidates(y), X, y, np.where(y == "rare", 10.0, 1.0))
    assert " is chosen by balanced accuracy in " in made.notes[0]


def test_two_groups_are_enough_to_compare() -> None:
    made = model(CORNERS)
    made.split = GroupSplit(np.arange(300) % 2)
    assert made.choose(candidates(CORNERS), X, CORNERS).steps[0][0] == "decisiontreeclassifier"
    assert made.notes[0].startswith("tree is chosen by accuracy in 2-fold cross-validation of 300 rows: linear 0.")


def test_one_candidate_means_no_search() -> None:
    made = model(LINE)
    made.choose({"tree": candidates(LINE)["tree"]}, X, LINE)
    assert made.notes == []


def test_too_few_rows_to_compare_take_the_first() -> None:
    y = np.array(["a", "b"])
    made = model(y)
    assert made.choose(candidates(y), X[:2], y).steps[0][0] == "logisticregression"
    assert made.notes == ["linear is trained: there are too few rows, groups or times to compare it with tree"]
