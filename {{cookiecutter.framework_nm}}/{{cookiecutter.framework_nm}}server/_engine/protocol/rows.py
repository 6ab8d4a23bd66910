"""The rows of V1, one type for a model: a list of its columns' values, or an object with their names.

Not here: the bodies that they stand in, and how it is said what is wrong with them.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, List, Optional, Tuple, Union

import msgspec
import numpy as np

from ..contract.forms import Unreadable
from ..contract.signature import LARGEST, Column, Signature
from . import plain
from .brief import FEW, Row
from .brief import rows as brief_rows
from .refusals import Refusals, Values, join
from .tensors import InvalidRequest, floats, show

_JSON_TYPES: dict[str, Any] = {"FP64": float, "BOOL": bool, "BYTES": str}


class Rows:
    """Brings rows into the model's input. `type` is theirs, for a decoder that checks widths, names and values as it
    parses. Missing values are let through there, and checked by `checked`.
    """

    def __init__(self, signature: Signature, refusals: Refusals) -> None:
        self._signature = signature
        self._refusals = refusals
        #: Whether columns are put together as they come.
        self.plain = signature.numeric and all(column.form is None for column in signature.columns)
        numbers = self.plain and not signature.tensor and all(column.datatype == "FP64" for column in signature.columns)
        #: How many numbers a row is, where it is numbers alone, else 0.
        self._width = len(signature.columns) if numbers else 0
        self._names = signature.names
        self._may_wait = self.plain and not signature.tensor and not signature.missing_numbers
        self._few = FEW // len(signature.columns)
        types = [_json_type(column) for column in signature.columns]
        row: Any = Tuple.__getitem__(tuple(types))
        if signature.tensor:
            row = float
            for _ in signature.tensor:
                row = List[row]
            types = [row]
        self._fields = [f"c{i}" for i in range(len(types))]  # a column's name need not be an identifier
        fields = list(zip(self._fields, signature.columns, types))
        unused = {f"u{i}": name for i, name in enumerate(signature.unused)}
        record: Any = msgspec.defstruct(
            "Record",
            [(field, kind) for field, column, kind in fields if not column.nullable]
            + [(field, kind, None) for field, column, kind in fields if column.nullable]
            + [(field, Any, None) for field in unused],
            rename={**{field: column.name for field, column, _ in fields}, **unused},
            forbid_unknown_fields=True,
        )
        self.type: Any = List[Union[row, record]]

    def converted(self, rows: list[Any]) -> list[Any]:
        """Rows as they stand in JSON, as `type` has them. Raises InvalidRequest."""
        try:
            found: list[Any] = msgspec.convert(rows, self.type)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InvalidRequest(join(self._refusals.rows(rows)) or str(error)) from None
        return found

    def to_input(self, rows: list[Any]) -> Any:
        """Rows of `type` as the model's input. Raises InvalidRequest."""
        if not rows:
            raise InvalidRequest('"instances" is empty: expected one row or more')
        return self.checked(self.unchecked(rows))

    def of_plain(self, text: bytes) -> Any:
        """A body of many rows of plain numbers as the model's input; None where it is another one.

        Raises InvalidRequest.
        """
        X = plain.rows(text, self._width) if self._width else None
        return None if X is None else self.checked(X)

    def of_numbers(self, text: bytes) -> Optional[np.ndarray]:
        """A list of many rows of plain numbers, still unchecked, [rows, columns]; None where it is another one."""
        found = plain.numbers(text, self._width) if self._width else None
        return None if found is None or found.ndim == 1 else found

    def few(self, rows: list[Any]) -> Any:
        """A few rows of `type` as they are, if nothing is wrong with them: several requests become one array. Others as
        the model's input. Raises InvalidRequest.
        """
        return rows if self._may_stay(rows) else self.to_input(rows)

    def few_of(self, inputs: list[Any], tail: memoryview) -> Optional[List[Row]]:
        """The same of V2's inputs, `tail` being their binary values; None where they are not few, or not right."""
        if not (self._width and self._may_wait):
            return None
        rows = brief_rows(inputs, tail, self._names)
        return rows if rows and self._may_stay(rows) else None

    def _may_stay(self, rows: list[Any]) -> bool:
        if not self._may_wait or not 0 < len(rows) <= self._few:
            return False
        for row in rows:
            if row.__class__ is not tuple:
                return False
            for value in row:
                if value is None or not -LARGEST <= value <= LARGEST:
                    return False
        return True

    def unchecked(self, rows: list[Any]) -> Any:
        """The same, whose values `checked` or `looked_at` is still to see. Raises InvalidRequest."""
        if self._signature.tensor:
            return self._from_nested([row if row.__class__ is list else row.c0 for row in rows])
        rows = [row if row.__class__ is tuple else tuple(getattr(row, field) for field in self._fields) for row in rows]
        if not self.plain:
            return self.assembled(list(zip(*rows)))
        shape = (len(rows), len(self._signature.columns))
        return floats(itertools.chain.from_iterable(rows), math.prod(shape)).reshape(shape)

    def assembled(self, columns: list[Any], first: int = 0) -> Any:
        """Values of each column as the model's input; the first row has the number `first`. Raises InvalidRequest."""
        try:
            return self._signature.assemble(columns)
        except Unreadable as error:
            raise InvalidRequest(join(misread.said(show, first) for misread in error.found)) from None

    def _from_nested(self, rows: list[Any]) -> Any:
        try:
            X = np.array(rows, dtype=np.float64)
        except ValueError:  # lists of several lengths
            X = np.empty(0)
        if X.shape[1:] != self._signature.tensor:
            raise InvalidRequest(join(self._refusals.rows(rows)))
        return X

    def checked(self, X: Any) -> Any:
        """Refuse infinite numbers, and missing values in columns that had none in training."""
        X, fits = self._known(X)
        if fits:
            return X
        problems = self._refusals.values(X)
        if problems:
            raise InvalidRequest(problems)
        return X

    def looked_at(self, X: Any, values: Values, first: int) -> Any:
        """The same for rows from the one numbered `first` on, whose problems are added to `values`."""
        X, fits = self._known(X)
        if not fits:
            values.look_at(X, first)
        return X

    def _known(self, X: Any) -> Tuple[Any, bool]:
        """X with its missing values as NaN, and whether it is known to have nothing wrong with it."""
        if not isinstance(X, np.ndarray):
            return X, False
        X = self._signature.without_missing(X)
        # Not so where values are missing, either: NaN is the least and the largest of all. No array is made for it.
        return X, bool(X.min(initial=0.0) >= -LARGEST and X.max(initial=0.0) <= LARGEST)


def _json_type(column: Column) -> Any:
    """How a column's values look in JSON, for the decoder."""
    kind = _JSON_TYPES[column.datatype]
    return Optional[kind] if column.form is None else Optional[Union[kind, str]]
