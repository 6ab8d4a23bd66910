"""A model that scores batches: the columns that it answers, and what is wrong with the rows that it cannot answer.

Not here: where rows come from, and where scores go.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import pyarrow as pa

from ..contract.errors import ModelError, NoExplanations, Unanswerable
from ..protocol.tensors import InvalidRequest
from ..tables.files import DataError
from .batches import Batch, Checks

#: The column that says why a row has no score.
ERROR = "error"


class Wanted(NamedTuple):
    """What is written of each row: the prediction, and these."""

    proba: bool = False
    explain: bool = False
    keep: Tuple[str, ...] = ()
    #: Whether a row that does not fit is written, with the reason; otherwise it ends the run.
    errors: bool = True


class Scored(NamedTuple):
    """The columns of a batch's scores, and what is wrong with rows, by their position."""

    columns: Dict[str, Any]
    wrong: Dict[int, str]


class Scorer:
    """Answers batches with a loaded `MyModel`. Raises DataError where the model does not give what is wanted."""

    def __init__(self, model: Any, wanted: Wanted) -> None:
        self._model = model
        self._wanted = wanted
        self._checks = Checks(model.signature)
        if wanted.proba and not model.has_proba:
            raise DataError("--proba: this model has no probabilities; leave the option out")
        self._explainer = self._open_explainer() if wanted.explain else None
        self.types = {name: _type(values) for name, values in self._answers(model.example).items()}

    def schema(self, kept: Any) -> Any:
        """What is written, as pyarrow has it: `kept`, of which there are the names that are wanted, and the scores."""
        fields = [kept.field(name) if kept else pa.field(name, pa.string()) for name in self._wanted.keep]
        fields += [pa.field(name, kind) for name, kind in self.types.items()]
        fields += [pa.field(ERROR, pa.string())] if self._wanted.errors else []
        names = [field.name for field in fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"--keep: {', '.join(map(repr, twice))} would be twice among the columns that are written")
        return pa.schema(fields)

    def __call__(self, batch: Batch) -> Scored:
        """Score a batch: a row that does not fit has no scores, and the others are scored as if it were not there."""
        found: List[Tuple[int, Dict[str, np.ndarray]]] = []
        wrong: Dict[int, str] = {}
        self._score(batch, 0, found, wrong)
        columns = {name: batch.kept(name) for name in self._wanted.keep}
        columns.update((name, _put_together(name, found, len(batch))) for name in self.types)
        if self._wanted.errors:
            columns[ERROR] = [wrong.get(row) for row in range(len(batch))]
        return Scored(columns, wrong)

    def _score(
        self, batch: Batch, first: int, found: List[Tuple[int, Dict[str, np.ndarray]]], wrong: Dict[int, str]
    ) -> None:
        """Answer rows, the first of which is at a position; halve them until those that do not fit are alone."""
        try:
            found.append((first, self._answers(batch.input(self._checks))))
        except (InvalidRequest, Unanswerable) as error:
            rows = len(batch)
            if rows == 1:
                wrong[first] = re.sub(r"^row 0(, |: )?", "", str(error)).replace("; row 0, ", "; ")
                return
            self._score(batch.part(0, rows // 2), first, found, wrong)
            self._score(batch.part(rows // 2, rows - rows // 2), first + rows // 2, found, wrong)

    def _answers(self, X: Any) -> Dict[str, np.ndarray]:
        answers = {"predict": np.asarray(self._model.answer(X, False))}
        if self._wanted.proba:
            proba = self._model.answer(X, True)
            answers.update((f"proba_{label}", proba[:, at]) for at, label in enumerate(self._model.labels))
        if self._explainer is not None:
            explained = self._explainer.explain(X)
            answers["explain_base"] = np.array([row["base"] for row in explained])
            for name in explained[0]["contributions"]:
                answers[f"explain_{name}"] = np.array([row["contributions"][name] for row in explained])
        return answers

    def _open_explainer(self) -> Any:
        try:
            return self._model.explainer()
        except (NoExplanations, ModelError) as error:
            raise DataError(f"--explain: {error}") from error


def _put_together(name: str, found: List[Tuple[int, Dict[str, np.ndarray]]], rows: int) -> Any:
    """A column of all rows; None where a row has no score."""
    if sum(len(answers[name]) for _, answers in found) == rows:
        return np.concatenate([answers[name] for _, answers in found])
    values: List[Optional[Any]] = [None] * rows
    for first, answers in found:
        values[first : first + len(answers[name])] = answers[name].tolist()
    return values


def _type(values: np.ndarray) -> Any:
    kind: Any = pa.from_numpy_dtype(values.dtype) if values.dtype.kind in "biuf" else pa.string()
    for _ in values.shape[1:]:
        kind = pa.list_(kind)
    return kind
