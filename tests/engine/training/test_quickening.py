"""Promises of models that answer by arithmetic alone: they answer what scikit-learn answers, bit by bit."""

from __future__ import annotations

import copy
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from _engine.training.quickening import quickened
from pickled import Pickled
from sklearn import ensemble
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import _forest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

CLASSIFIERS = (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
REGRESSORS = (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor)
#: Numbers, of which the last column are numbers of categories, and some are missing.
X = np.random.default_rng(0).normal(size=(300, 5))
X[:, 4] = X[:, 4].round().clip(0, 2)
GAPS = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X)
TARGETS = {
    "two": np.where(X[:, 0] > X[:, 1], "yes", "no"),
    "many": np.round(X[:, 0] + 3).astype(int),
    "numbers": X[:, 0] * X[:, 2],
}
#: Leaves count rows before that, and classifiers ask no tree.
COUNTS_SHARES = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 4)
FORESTS = [(kind(n_estimators=12, random_state=0), target) for kind in CLASSIFIERS for target in ("two", "many")] + [
    (kind(n_estimators=12, random_state=0), "numbers") for kind in REGRESSORS
]
ESTIMATORS = [
    *FORESTS,
    (LogisticRegression(), "two"),
    (LogisticRegression(), "many"),
    (LogisticRegression(solver="liblinear"), "two"),
    (Ridge(), "numbers"),
    (LinearRegression(), "numbers"),
    (GaussianNB(), "many"),
    (ensemble.HistGradientBoostingClassifier(max_iter=3), "many"),
    (ensemble.HistGradientBoostingRegressor(max_iter=3), "numbers"),
]
SPARSE = "sparse" if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 2) else "sparse_output"


def encoders() -> dict[str, Any]:
    """What comes before an estimator, by name; all but the first two fill missing values in."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", **{SPARSE: False})
    codes = make_pipeline(SimpleImputer(strategy="constant", fill_value=-1.0), one_hot)
    return {
        "scaled": StandardScaler(),
        "chosen": make_column_transformer((make_pipeline(FunctionTransformer()), [4, 0, 2])),
        "filled": numbers,
        "codes": make_column_transformer((numbers, [0, 1, 2, 3]), (codes, [4])),
        "codes alone": make_column_transformer((codes, [4])),
    }


class Learner(Pickled):
    """Fits the estimator that it is given."""

    estimator: Any

    def fit(self, X: Any, y: np.ndarray) -> None:
        self.model = self.estimator.fit(X, y)

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        answer: np.ndarray = self.model.predict_proba(X) if proba else self.model.predict(X)
        return answer


def pair(estimator: Any, target: str, encoder: str = "scaled") -> tuple[Any, Any]:
    """A pipeline as scikit-learn has it, and what answers in its place."""
    slow = make_pipeline(encoders()[encoder], clone(estimator)).fit(X[:200], TARGETS[target][:200])
    return slow, quickened(slow)


def methods(target: str) -> list[str]:
    return ["predict"] if target == "numbers" else ["predict", "predict_proba"]


@pytest.mark.parametrize("estimator, target", ESTIMATORS)
@pytest.mark.parametrize("encoder", encoders())
def test_answers_are_equal_bit_by_bit_without_scikit_learns_checks(
    estimator: Any, target: str, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = pair(estimator, target, encoder)
    inputs = [X[:1], X[:7], X, *([GAPS[:1], GAPS] if encoder in ("filled", "codes", "codes alone") else [])]
    wanted = {name: [getattr(slow, name)(rows) for rows in inputs] for name in methods(target)}
    for name in methods(target):
        monkeypatch.setattr(Pipeline, name, None)
    for name, answers in wanted.items():
        for rows, expected in zip(inputs, answers):
            found = getattr(quick, name)(rows)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("alone", [False, True], ids=["pipeline", "alone"])
@pytest.mark.parametrize("estimator, target", FORESTS)
def test_forests_need_no_joblib(estimator: Any, target: str, alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_pipeline(*[StandardScaler()] * (not alone), clone(estimator)).fit(X, TARGETS[target])
    own = model[-1] if alone else model
    quick = quickened(own)
    if target == "numbers" or COUNTS_SHARES:
        monkeypatch.setattr(_forest, "Parallel", None)
    else:
        quick = quick or own  # which answers itself
    for name in methods(target):
        assert len(getattr(quick, name)(X)) == len(X)


@pytest.mark.parametrize("estimator, target", ESTIMATORS)
@pytest.mark.parametrize(
    "rows",
    [
        np.ones((2, 4)),
        np.full((2, 5), np.inf),
        np.full((2, 5), 1e300),
        np.full((2, 5), np.nan),
        np.ones((0, 5)),
        np.full((2, 5), "a"),
        np.ones((2, 5), dtype=int),
        np.asfortranarray(X[:9]),
        X[:9].astype(">f8"),
        X[:9].tolist(),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # which scikit-learn causes, too
def test_other_input_is_answered_or_refused_as_scikit_learn_does(estimator: Any, target: str, rows: Any) -> None:
    slow, quick = pair(estimator, target)

    def answer(model: Any) -> Any:
        try:
            return model.predict(rows).tolist()
        except ValueError as error:
            return str(error)

    assert answer(quick) == answer(slow)


def test_other_models_answer_themselves() -> None:
    class Other(ensemble.RandomForestRegressor):
        """Answers in the owner's own way."""

    class Scaler(StandardScaler):
        """Scales in the owner's own way."""

    target = TARGETS["numbers"]
    for model in (
        ensemble.RandomForestRegressor(3).fit(X, X[:, :2]),
        ensemble.HistGradientBoostingRegressor(max_iter=2).fit(X, target),
        Other(3).fit(X, target),
        make_pipeline(Scaler(), Ridge()).fit(X, target),
        make_pipeline(StandardScaler()).fit(X),
        make_pipeline(StandardScaler(), StandardScaler()).fit(X),
        make_pipeline(FunctionTransformer(np.abs), Ridge()).fit(X, target),
        make_pipeline(SimpleImputer(add_indicator=True), Ridge()).fit(GAPS, target),
        None,
    ):
        assert quickened(model) is None


def test_steps_that_make_frames_make_them() -> None:
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), Ridge()).fit(X, TARGETS["numbers"])
    assert quickened(model) is None


def test_a_forest_on_several_threads_uses_them() -> None:
    assert quickened(ensemble.RandomForestRegressor(3, n_jobs=2).fit(X, TARGETS["numbers"])) is None


@pytest.mark.usefixtures("without_collecting")
@pytest.mark.parametrize("alone", [False, True], ids=["pipeline", "alone"])
@pytest.mark.parametrize("estimator, target", ESTIMATORS)
def test_a_copy_is_scikit_learns_and_nothing_stays_of_one_that_is_gone(
    estimator: Any, target: str, alone: bool
) -> None:
    """A server that has frozen its objects would keep a cycle for ever."""
    model, quick = pair(estimator, target)
    if alone:
        model, quick = model[-1], quickened(model[-1]) or model[-1]
    for again in (copy.deepcopy(quick), pickle.loads(pickle.dumps(quick))):
        assert type(again) is type(model)
        assert vars(again).keys() == vars(model).keys()
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
    gone = weakref.ref(model)
    del model, quick, again
    assert gone() is None


@pytest.mark.parametrize("encoder", ["filled", "codes"])
@pytest.mark.parametrize("estimator, target", ESTIMATORS)
def test_one_that_is_fitted_again_answers_what_it_learnt_then(estimator: Any, target: str, encoder: str) -> None:
    model, quick = pair(estimator, target, encoder)
    model.fit(2 * X + 1, TARGETS[target][::-1])
    np.testing.assert_array_equal(quick.predict(X), model.predict(X))


def test_one_whose_steps_were_replaced_answers_by_its_new_ones() -> None:
    model, quick = pair(Ridge(), "numbers")
    model.set_params(ridge=LinearRegression().fit(X, -TARGETS["numbers"]))
    np.testing.assert_array_equal(quick.predict(X), model.predict(X))


@pytest.mark.parametrize("alone", [False, True], ids=["pipeline", "alone"])
@pytest.mark.parametrize("estimator, target", ESTIMATORS)
def test_who_looks_at_a_loaded_model_sees_scikit_learns_own(
    estimator: Any, target: str, alone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As converters, copies and files do, by its class; and yet it answers by arithmetic."""
    trained = Learner(task="regression" if target == "numbers" else "classification")
    trained.estimator = clone(estimator) if alone else make_pipeline(StandardScaler(), clone(estimator))
    trained.train(X, TARGETS[target])
    trained.save(tmp_path / "0001", extras_seconds=0)
    loaded = Learner(dirpath=tmp_path / "0001")
    seen = loaded.model
    for each in (seen, clone(seen), copy.copy(seen), copy.deepcopy(loaded).model, pickle.loads(pickle.dumps(seen))):
        assert type(each) is type(trained.model)
    assert vars(seen).keys() == vars(trained.model).keys()
    expected = trained.predict(X)
    np.testing.assert_array_equal(copy.deepcopy(loaded).predict(X), expected)
    if not alone:
        monkeypatch.setattr(Pipeline, "predict", None)
    np.testing.assert_array_equal(loaded.predict(X), expected)


def test_a_loaded_model_whose_estimator_somebody_replaces_answers_by_that(tmp_path: Path) -> None:
    trained = Learner(task="regression")
    trained.estimator = Ridge()
    trained.train(X, TARGETS["numbers"])
    trained.save(tmp_path / "0001", extras_seconds=0)
    loaded = Learner(dirpath=tmp_path / "0001")
    loaded.model = LinearRegression().fit(X, -TARGETS["numbers"])
    np.testing.assert_array_equal(loaded.predict(X), loaded.model.predict(X))


def test_trees_that_answer_otherwise_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of older versions, whose leaves count rows where newer ones have shares of them."""
    forest = ensemble.RandomForestClassifier(3, random_state=0).fit(X, TARGETS["two"])
    monkeypatch.setattr(ensemble.RandomForestClassifier, "predict_proba", lambda self, X: np.full((len(X), 2), 0.4))
    assert quickened(forest) is None


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_probabilities_that_are_computed_otherwise_stay_so(size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of older versions, label by label; by rows that are far from a boundary nobody could tell."""

    def label_by_label(model: Any, rows: Any) -> Any:
        shares = 1 / (1 + np.exp(-model.decision_function(rows).clip(-30, 30)))
        return shares / shares.sum(axis=1, keepdims=True)

    monkeypatch.setattr(LogisticRegression, "predict_proba", label_by_label)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(size * X, TARGETS["many"])
    quick = quickened(model)
    np.testing.assert_array_equal(quick.predict_proba(size * X), model.predict_proba(size * X))
