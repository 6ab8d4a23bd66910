"""Promises of forests that ask their trees themselves: they answer what scikit-learn answers, bit by bit."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest
import sklearn
from _engine.training.forests import quicken
from sklearn import ensemble
from sklearn.ensemble import _forest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CLASSIFIERS = (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
REGRESSORS = (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor)
X = np.random.default_rng(0).normal(size=(300, 5))
TARGETS = {
    "two": np.where(X[:, 0] > X[:, 1], "yes", "no"),
    "many": np.round(X[:, 0] + 3).astype(int),
    "numbers": X[:, 0] * X[:, 2],
}
#: Leaves count rows before that, and classifiers stay as they are.
COUNTS_SHARES = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 4)
CASES = [(kind, target) for kind in CLASSIFIERS for target in ("two", "many")] + [
    (kind, "numbers") for kind in REGRESSORS
]


def pair(kind: Any, target: str, **settings: Any) -> tuple[Any, Any]:
    """A forest behind a scaler as scikit-learn has it, and the same one made quicker."""
    forest = kind(n_estimators=12, random_state=0, **settings)
    slow = make_pipeline(StandardScaler(), forest).fit(X[:200], TARGETS[target][:200])
    quick = copy.deepcopy(slow)
    quicken(quick)
    return slow, quick


@pytest.mark.parametrize("kind, target", CASES)
def test_answers_are_equal_bit_by_bit_without_joblib(kind: Any, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = pair(kind, target)
    names = ["predict", "predict_proba"] if kind in CLASSIFIERS else ["predict"]
    wanted = {name: [getattr(slow, name)(X[:rows]) for rows in (1, 7, 300)] for name in names}
    if kind in REGRESSORS or COUNTS_SHARES:
        monkeypatch.setattr(_forest, "Parallel", None)
    for name in names:
        for rows, expected in zip((1, 7, 300), wanted[name]):
            found = getattr(quick, name)(X[:rows])
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [*CLASSIFIERS, *REGRESSORS])
@pytest.mark.parametrize(
    "rows",
    [np.ones((2, 4)), np.full((2, 5), np.inf), np.full((2, 5), 1e300), np.ones((0, 5)), np.full((2, 5), "a")],
)
@pytest.mark.filterwarnings("ignore:overflow")  # which scikit-learn causes, too
def test_what_scikit_learn_refuses_is_refused_in_its_words(kind: Any, rows: np.ndarray) -> None:
    slow, quick = (pipeline[-1] for pipeline in pair(kind, "numbers" if kind in REGRESSORS else "two"))
    with pytest.raises(ValueError) as expected:
        slow.predict(rows)
    with pytest.raises(ValueError) as found:
        quick.predict(rows)
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("kind", [*CLASSIFIERS, *REGRESSORS])
def test_missing_values_are_answered_by_scikit_learn(kind: Any) -> None:
    slow, quick = pair(kind, "numbers" if kind in REGRESSORS else "two")
    rows = np.where(X[:9] > 1, np.nan, X[:9])
    try:
        expected = slow.predict(rows)
    except ValueError as error:  # extra trees of older versions take none
        with pytest.raises(ValueError, match="NaN"):
            quick.predict(rows)
        assert "NaN" in str(error)
    else:
        np.testing.assert_array_equal(quick.predict(rows), expected)


def test_other_models_stay_as_they_are() -> None:
    several = ensemble.RandomForestRegressor(3).fit(X, X[:, :2])
    threads = ensemble.RandomForestRegressor(3, n_jobs=2).fit(X, X[:, 0])
    boosted = ensemble.HistGradientBoostingRegressor(max_iter=2).fit(X, X[:, 0])

    class Other(ensemble.RandomForestRegressor):
        """Answers in the owner's own way."""

    for model in (several, threads, boosted, Other(3).fit(X, X[:, 0]), make_pipeline(StandardScaler()).fit(X), None):
        before = type(model)
        quicken(model)
        assert type(model) is before


@pytest.mark.parametrize("kind", [*CLASSIFIERS, *REGRESSORS])
def test_a_copy_is_scikit_learns_and_nothing_stays_of_one_that_is_gone(kind: Any) -> None:
    """A server that has frozen its objects would keep a cycle for ever."""
    slow, quick = pair(kind, "numbers" if kind in REGRESSORS else "two")
    for again in (copy.deepcopy(quick), pickle.loads(pickle.dumps(quick))):
        assert type(again[-1]) is kind
        np.testing.assert_array_equal(again.predict(X), slow.predict(X))
    gone = weakref.ref(quick[-1])
    gc.disable()
    try:
        del quick
        assert gone() is None
    finally:
        gc.enable()


def test_trees_that_answer_otherwise_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of older versions, whose leaves count rows where newer ones have shares of them."""
    forest = ensemble.RandomForestClassifier(3, random_state=0).fit(X, TARGETS["two"])
    monkeypatch.setattr(ensemble.RandomForestClassifier, "predict_proba", lambda self, X: np.full((len(X), 2), 0.4))
    quicken(forest)
    assert type(forest) is ensemble.RandomForestClassifier
