"""Fitted models of scikit-learn's without what a call of theirs costs beside arithmetic: each step checks its input,
its options and itself anew, which takes fifty times as long as the rest for a row.

What answers in a model's place stands beside it, and has to give the same bits when the model is loaded. The model
stays scikit-learn's own: converters, copies and files know it by its class. Not here: that arithmetic
(transformers.py, estimators.py), and the compiled model, which is quicker still.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Iterator, NamedTuple, Optional

import numpy as np

from .estimators import Answers, own, quick
from .transformers import Transform, chained

#: Rows of the numbers by which both are compared: libraries of linear algebra compute one row in a way of its own.
_ROWS = (1, 64)


class _Short(NamedTuple):
    """The short way of a model, as long as its steps are the same list, which fitting it again replaces: how many
    columns it takes, what its transformers do, and what its estimator answers.
    """

    model: Any
    steps: Any
    width: int
    transform: Transform
    answers: Answers


def quickened(model: Any) -> Any:
    """What answers in the place of a fitted model, which may be a pipeline, by arithmetic alone, as far as that is
    known of its steps; None where it is not. It is another view of the model: what one of them learns, both know.
    """
    if "sklearn" not in sys.modules or not type(model).__module__.startswith("sklearn."):
        return None
    try:
        for short in _shorts(model):
            if all(_alike(model, short, rows) for rows in _ROWS):
                return _view(model, short)
    except Exception:  # such as of a model that takes other input: it answers itself
        return None
    return None


def is_of(quick: Any, model: Any) -> bool:
    """Whether this answers in the place of this very model."""
    return isinstance(quick, _Quick) and quick._short.model is model


def _view(model: Any, short: _Short) -> Any:
    scikit_learns: Any = type(model)
    view = object.__new__(_before(_QuickWithProba if "predict_proba" in short.answers else _Quick, scikit_learns))
    view.__dict__, view._short = model.__dict__, short
    return view


def _shorts(model: Any) -> Iterator[_Short]:
    """The short ways there may be, the shortest first."""
    *before, last = _steps(model)
    transform = chained(before)
    # By their names, scikit-learn has to look at columns itself.
    if transform and not hasattr(model, "feature_names_in_"):
        ways = [quick(last), own(last)] if before else [quick(last)]
        steps, width = getattr(model, "steps", None), model.n_features_in_
        yield from (_Short(model, steps, width, transform, way) for way in ways if "predict" in way)


def _steps(model: Any) -> Any:
    return [step for _, step in model.steps] if hasattr(model, "steps") else [model]


def _alike(model: Any, short: _Short, rows: int) -> bool:
    """Whether the short way hands the estimator the same numbers, also in memory, and it answers them alike."""
    random = np.random.default_rng(rows)
    X = random.normal(scale=2.0, size=(rows, short.width))
    X[::2] = np.abs(X[::2].round())  # as numbers of categories
    X[1::4, ::2] = np.nan
    *before, last = _steps(model)
    numbers = short.transform(X)
    expected = model[:-1].transform(X) if before else X
    if numbers.strides != expected.strides or not np.array_equal(numbers, expected, equal_nan=True):
        return False
    # Whatever a model's weights are, its scores are not far from zero for some of these.
    numbers[:] = random.normal(size=numbers.shape) * 10.0 ** random.uniform(-6, 6, size=(rows, 1))
    return all(_equal(answer(last, numbers), getattr(last, name)(numbers)) for name, answer in short.answers.items())


def _equal(found: Any, expected: Any) -> bool:
    return found is not None and found.dtype == expected.dtype and np.array_equal(found, expected)


class _Quick:
    """Stands before scikit-learn's class. A copy is the model, as is what is read from a file."""

    __slots__ = ("_short",)
    _short: _Short

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _same, (self._short.model,)

    def predict(self, X: Any, **params: Any) -> Any:
        found = None if params else self._answer("predict", X)
        return super().predict(X, **params) if found is None else found  # type: ignore[misc]

    def _answer(self, name: str, X: Any) -> Optional[np.ndarray]:
        """The answer to rows of numbers; None where the model has to look at them, such as to say what is wrong."""
        short = self._short
        if not isinstance(X, np.ndarray) or X.dtype != np.float64 or X.ndim != 2:
            return None
        if short.steps is not getattr(self, "steps", None) or not len(X) or X.shape[1] != short.width:
            return None
        if not X.flags.c_contiguous or np.isinf(X).any():
            return None
        return short.answers[name](_steps(self)[-1], short.transform(X))


class _QuickWithProba(_Quick):
    __slots__ = ()

    def predict_proba(self, X: Any, **params: Any) -> Any:
        found = None if params else self._answer("predict_proba", X)
        return super().predict_proba(X, **params) if found is None else found  # type: ignore[misc]


@functools.lru_cache
def _before(kind: Any, scikit_learns: Any) -> Any:
    return type(scikit_learns.__name__, (kind, scikit_learns), {"__module__": scikit_learns.__module__})


def _same(model: Any) -> Any:
    return model
