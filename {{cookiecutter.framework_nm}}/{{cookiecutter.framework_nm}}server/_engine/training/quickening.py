"""Fitted models of scikit-learn's without what a call of theirs costs beside arithmetic: each step checks its input,
its options and itself anew, which takes fifty times as long as the rest for a row.

What answers in their place has to give the same bits when a model is loaded, or the model stays as it is. Not here:
that arithmetic (transformers.py, estimators.py), and the compiled model, which is quicker still.
"""

from __future__ import annotations

import copy
import functools
import sys
from typing import Any, Iterator, NamedTuple, Optional

import numpy as np

from .estimators import Answers, own, quick
from .transformers import Transform, chained

#: Rows of the numbers by which both are compared: libraries of linear algebra compute one row in a way of its own.
_ROWS = (1, 64)


class _Short(NamedTuple):
    """A model's short way: how many columns it takes, what its transformers do, and what its estimator answers."""

    width: int
    transform: Transform
    answers: Answers


def quicken(model: Any) -> None:
    """Let a fitted model, which may be a pipeline, answer by arithmetic alone, as far as that is known of its steps.

    What else the model is, stays as it is.
    """
    if "sklearn" not in sys.modules or not type(model).__module__.startswith("sklearn."):
        return
    scikit_learns: Any = type(model)
    try:
        for short in _shorts(model):
            if all(_alike(model, short, rows) for rows in _ROWS):
                kind = _QuickWithProba if "predict_proba" in short.answers else _Quick
                model._short, model.__class__ = short, _before(kind, scikit_learns)
                return
    except Exception:  # such as of a model that takes other input: it goes on answering itself
        return


def plain(model: Any) -> Any:
    """A model as scikit-learn has it, which converters know by its class. It shares what was learnt."""
    return copy.copy(model) if isinstance(model, _Quick) else model


def _shorts(model: Any) -> Iterator[_Short]:
    """The short ways there may be, the shortest first."""
    *before, last = _steps(model)
    transform = chained(before)
    # By their names, scikit-learn has to look at columns itself.
    if transform and not hasattr(model, "feature_names_in_"):
        ways = [quick(last), own(last)] if before else [quick(last)]
        yield from (_Short(model.n_features_in_, transform, way) for way in ways if "predict" in way)


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
    """Stands before scikit-learn's class, by which it is copied and pickled: it is no part of a model's file."""

    _short: Optional[_Short] = None

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        _, scikit_learns = type(self).__bases__
        state = {name: value for name, value in self.__getstate__().items() if name != "_short"}
        return object.__new__, (scikit_learns,), state

    def predict(self, X: Any, **params: Any) -> Any:
        found = None if params else self._answer("predict", X)
        return super().predict(X, **params) if found is None else found  # type: ignore[misc]

    def _answer(self, name: str, X: Any) -> Optional[np.ndarray]:
        """The answer to rows of numbers; None where the model has to look at them, such as to say what is wrong."""
        short = self._short
        if short is None or not isinstance(X, np.ndarray) or X.dtype != np.float64 or X.ndim != 2:
            return None
        if not len(X) or X.shape[1] != short.width or not X.flags.c_contiguous or np.isinf(X).any():
            return None
        return short.answers[name](_steps(self)[-1], short.transform(X))


class _QuickWithProba(_Quick):
    def predict_proba(self, X: Any, **params: Any) -> Any:
        found = None if params else self._answer("predict_proba", X)
        return super().predict_proba(X, **params) if found is None else found  # type: ignore[misc]


@functools.lru_cache
def _before(kind: Any, scikit_learns: Any) -> Any:
    return type(scikit_learns.__name__, (kind, scikit_learns), {"__module__": scikit_learns.__module__})
