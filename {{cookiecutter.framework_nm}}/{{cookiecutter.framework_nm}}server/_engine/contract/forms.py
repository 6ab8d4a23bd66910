"""What a column's values may be spelt as, beside plain numbers, true and false, and text.

Not here: what is said to a client whose values cannot be read.
"""

from __future__ import annotations

from datetime import date, time
from typing import Any, List, NamedTuple, Optional, Union

import numpy as np

from .dates import Dates, to_seconds
from .numbers import Numbers
from .truths import Truths

Form = Union[Numbers, Truths, Dates]


class Misread(NamedTuple):
    """A value that is not of its column's form: its row, from 0 on, and the column's name and form."""

    row: int
    column: str
    form: Form
    value: Any

    def said(self, show: Any = repr, first: int = 0) -> str:
        return f"row {first + self.row}, column {self.column!r}: expected {self.form.expected}, got {show(self.value)}"


class Unreadable(ValueError):
    """Values that are not of their columns' forms. The message numbers rows from 0 on."""

    def __init__(self, found: List[Misread]) -> None:
        super().__init__("; ".join(misread.said() for misread in found[:10]))
        self.found = found


def read(form: Form, name: str, items: Any, missing: frozenset[str], wrong: List[Misread]) -> np.ndarray:
    """Values of a column as numbers, NaN where there is none; those that are not of its form are added to `wrong`.

    They may be text, times of Python's, numpy's and pandas', or numbers already, as they are in the signature's form.
    """
    values = items.to_numpy() if hasattr(items, "to_numpy") else items
    values = values if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    if values.dtype.kind == "M":
        return np.where(np.isnat(values), np.nan, values.astype("datetime64[us]").astype(np.int64) / 1e6)
    found = np.full(len(values), np.nan)
    for row, item in enumerate(values.tolist()):
        if _is_missing(item, missing):
            continue
        value = _value(form, item)
        if value is None:
            wrong.append(Misread(row, name, form, item))
        else:
            found[row] = value
    return found


def _is_missing(item: Any, missing: frozenset[str]) -> bool:
    if isinstance(item, str):
        return item in missing
    return item is None or type(item).__name__ == "NAType" or bool(item != item)  # pandas' NA is equal to nothing


def _value(form: Form, item: Any) -> Optional[float]:
    if isinstance(item, str):
        return form.read(item)
    if isinstance(form, Dates) and isinstance(item, date):
        return to_seconds(item, form.utc)
    if isinstance(form, Dates) and isinstance(item, time):
        return form.read(str(item))
    return float(item) if isinstance(item, (bool, int, float, np.number, np.bool_)) else None
