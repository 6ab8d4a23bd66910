"""What is wrong with a request, in the words of the model that it was for: row, column, and what was expected there.

A check that cannot tell wrong from right without looking for what to say is here, too. Not here: what is wrong with a
tensor by itself, which is in tensors.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from ..contract.signature import LARGEST, Column, Signature
from .tensors import NamedArray, show

_SPOKEN = {"FP64": "a number", "BOOL": "true or false", "BYTES": "a string"}
_PYTHON: Dict[str, Any] = {"FP64": (int, float), "BOOL": bool, "BYTES": str}
#: Problems in one message.
SHOWN = 10


class Refusals:
    """Says what is wrong with requests for one model."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._order = signature.names  # the signature makes a new list whenever it is asked
        self._names = frozenset(self._order)
        self._known = self._names.union(signature.unused)
        self._numbers = all(column.datatype == "FP64" for column in signature.columns)

    def expected(self) -> str:
        """The tensors that the model takes."""
        return f"expected {self._signature.expected}"

    def rows(self, rows: list[Any], first: int = 0) -> Iterator[str]:
        """Say what is wrong with rows, as they stand in JSON; `first` is the number of the first one."""
        return (f"row {i}{problem}" for i, row in enumerate(rows, first) for problem in self._row(row))

    def _row(self, row: Any) -> list[str]:
        names = self._order
        if self._signature.tensor:
            return _misshapen(row.get(names[0]) if isinstance(row, dict) else row, self._signature.tensor)
        if isinstance(row, dict):
            return self._record(row)
        if not isinstance(row, list):
            return [f": expected a list of {len(names)} values or an object with the columns' names, got {show(row)}"]
        if len(row) != len(names):
            return [f": expected {len(names)} values ({', '.join(names)}), got {len(row)}"]
        return self._record(dict(zip(names, row)))

    def _record(self, values: dict[str, Any]) -> list[str]:
        foreign = itertools.islice((name for name in values if name not in self._known), SHOWN + 1)
        problems = [f", column {name!r}: no such column; expected {', '.join(self._order)}" for name in foreign]
        for column in self._signature.columns:
            where = f", column {column.name!r}: expected {_spoken(column)}"
            if column.name not in values:
                problems += [] if column.nullable else [f"{where}, and it is missing"]
            elif not _is(values[column.name], column):
                problems.append(f"{where}, got {show(values[column.name])}")
        return problems

    def matrix(self, tensor: NamedArray) -> str:
        """Say what is wrong with a tensor of all columns, whose shape is right; "" where nothing is."""
        if self._numbers and _is_number(tensor):
            return ""
        return join(problem for column in self._signature.columns for problem in _misfit(tensor, column))

    def tensors(self, tensors: list[NamedArray], rows: int) -> str:
        """Say what is wrong with a tensor for each column, of as many `rows`; "" where nothing is."""
        by_name = {tensor.name: tensor for tensor in tensors}
        problems = [f"input {name!r} is not a column" for name in by_name if name not in self._names]
        if len(by_name) < len(tensors):
            problems.append("an input is named twice")
        for column in self._signature.columns:
            tensor = by_name.get(column.name)
            if tensor is None:
                problems += [] if column.nullable else [f"column {column.name!r} is missing"]
                continue
            problems += _misfit(tensor, column)
            shape = list(tensor.values.shape)
            if shape not in ([rows], [rows, 1]) or rows == 0:
                problems.append(f"column {column.name!r} has shape {shape}: expected [{rows or 'rows'}]")
        return join(problems)

    def values(self, X: Any) -> str:
        """Say which numbers are too large or infinite, and which values are missing that training never missed.

        `X` is in the signature's form; "" where nothing is wrong.
        """
        values = Values(self._signature)
        values.look_at(X, 0)
        return values.problems()


class Values:
    """Says what is wrong with the values of rows, which are looked at some at a time, and told by column."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        # Of each column those that are too large, then those that are missing: the first ones, as many as are shown.
        self._found: List[Tuple[List[str], List[str]]] = [([], []) for _ in signature.columns]

    def look_at(self, X: Any, first: int) -> None:
        """Look at rows in the signature's form, the first of which has the number `first`."""
        if self._signature.tensor:
            bad = np.flatnonzero(~(np.abs(X.reshape(len(X), -1)) <= LARGEST).all(axis=1))
            _note(self._found[0][0], (f"row {first + row}: expected numbers up to {LARGEST:.1e}" for row in bad))
            return
        columns = list(X.T) if isinstance(X, np.ndarray) else [X[name].to_numpy() for name in self._signature.names]
        for column, values, (large, absent) in zip(self._signature.columns, columns, self._found):
            if not column.text:
                where = f"column {column.name!r}: expected a number up to {LARGEST:.1e}"
                _note(large, (f"row {first + row}, {where}" for row in np.flatnonzero(np.abs(values) > LARGEST)))
            if not column.nullable:
                _note(absent, self._absent(column, values, first))

    def _absent(self, column: Column, values: np.ndarray, first: int) -> Iterable[str]:
        absent = np.array([value is None for value in values]) if column.text else np.isnan(values)
        spelt = column.text or column.form is not None
        spellings = ["null", *map(show, sorted(self._signature.spellings) if spelt else ())]
        for row in np.flatnonzero(absent):
            yield (
                f"row {first + row}, column {column.name!r}: expected {_spoken(column)}, got none "
                f"({' or '.join(spellings)}); this column had no missing values in training"
            )

    def problems(self) -> str:
        """What was wrong with the rows; "" where nothing was."""
        return join(problem for large, absent in self._found for problem in (*large, *absent))


def _note(problems: List[str], more: Iterable[str]) -> None:
    """Add further problems, as far as they may be shown."""
    problems += itertools.islice(more, SHOWN + 1 - len(problems))


def join(problems: Iterable[str]) -> str:
    """One message of the first problems; "" where there are none."""
    first = list(itertools.islice(problems, SHOWN + 1))
    more = "; and more" if len(first) > SHOWN else ""
    return "; ".join(first[:SHOWN]) + more


def _spoken(column: Column) -> str:
    return _SPOKEN[column.datatype] if column.form is None else column.form.expected


def _is(value: Any, column: Column) -> bool:
    """Whether a value of JSON is null, of a column's datatype, or text that may be in its form; truth values are no
    numbers."""
    if column.form is not None and isinstance(value, str):
        return True
    kind = _PYTHON[column.datatype]
    return value is None or (isinstance(value, kind) and isinstance(value, bool) == (kind is bool))


def _misshapen(row: Any, shape: tuple[int, ...]) -> list[str]:
    """Say of a row that is a tensor what is wrong with it."""
    expected = f": expected numbers in lists of the shape {list(shape)}"
    try:
        values = np.array(row, dtype=object)
    except ValueError:
        return [f"{expected}, got lists of different lengths"]
    if any(isinstance(value, list) for value in values.flat):
        return [f"{expected}, got lists of different lengths"]
    if values.shape != shape:
        return [f"{expected}, got {list(values.shape) if isinstance(row, list) else show(row)}"]
    return (
        []
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values.flat)
        else [f"{expected}, got {show(row)}"]
    )


def _is_number(tensor: NamedArray) -> bool:
    return tensor.datatype not in ("BOOL", "BYTES")


def _misfit(tensor: NamedArray, column: Column) -> list[str]:
    """Any datatype of numbers fits FP64; text and truth values fit nothing but their own, and text a column's form."""
    if _is_number(tensor) if column.datatype == "FP64" else tensor.datatype == column.datatype:
        return []
    if tensor.datatype == "BYTES" and column.form is not None:
        return []
    return [f"column {column.name!r}: expected {_spoken(column)} ({column.datatype}), got {tensor.datatype}"]
