"""Cells that are not like the others of their column: which, in which rows, and what to do about them all at once.

Not here: finding them (cells.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Mapping

import numpy as np
import pandas as pd

from ..contract.listed import join, option
from .files import DataError

#: What usually means a missing value: the user is told of it, and it counts as one only if --missing says so.
MISSING = {
    *("NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none", "NaN", "nan", "NaT", "\\N"),
    *("?", "-", "--", ".", "#DIV/0!", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
}
#: What --columns may say that a column is, and what that is called.
KINDS = {"text": "text", "number": "numbers", "bool": "true or false", "date": "dates"}


class Stray(DataError):
    """A column of some kind that has other cells, too: `others`, in the rows at these positions."""

    def __init__(self, column: pd.Series, kind: str, others: Sequence[str], rows: np.ndarray) -> None:
        shown = [*map(repr, others[:10]), *["..."] * (len(others) > 10)]
        super().__init__(
            f"column {column.name!r} has {KINDS.get(kind.partition('=')[0], kind)} in {column.count() - len(rows)} "
            f"cells, but {', '.join(shown)} in {len(rows)} ({rows_of(column, rows)})"
        )
        self.column, self.others = str(column.name), others[:10]


def refuse(found: Sequence[DataError], missing: Sequence[str], kinds: Mapping[str, str]) -> None:
    """Say in one DataError all that is wrong with columns, and what to do about the stray cells of all of them. Does
    nothing if nothing is wrong."""
    said = "; ".join(map(str, found))
    stray = [error for error in found if isinstance(error, Stray)]
    if stray:
        spellings = [*missing, *dict.fromkeys(other for error in stray for other in error.others)]
        columns = {**kinds, **{error.column: "text" for error in stray}}
        said += (
            f". If they are missing values, {missing_hint(spellings)}; "
            f"if {'the column is' if len(stray) == 1 else 'the columns are'} text, use "
            f"{option('--columns', ','.join(':'.join(column) for column in columns.items()))}"
        )
    if said:
        raise DataError(said)


def rows_of(column: pd.Series, at: np.ndarray) -> str:
    """Some of the rows at these positions of a column, as a person counts them."""
    shown = ", ".join([*(str(column.index[row] + 1) for row in at[:5]), *["..."] * (len(at) > 5)])
    return f"row {shown}; the first row of data is row 1"


def missing_hint(spellings: Sequence[str]) -> str:
    """How to say that these are missing values."""
    return f"use {option('--missing', join(spellings))}"
