"""Deciding what the cells of a column are: numbers, truth values, dates or text, and how they are spelt.

Cells of CSV, values of Parquet and text in requests are read by the same forms (contract/forms.py). Not here: files.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Mapping, NamedTuple, Optional, Tuple

import numpy as np
import pandas as pd

from ..contract import dates, numbers, truths
from ..contract.dates import Dates
from ..contract.forms import Form, read
from ..contract.listed import join, option
from ..contract.numbers import Numbers
from ..contract.signature import LARGEST
from ..contract.truths import Truths
from .files import DataError
from .strays import MISSING, Stray, rows_of

#: Different cells by which it is found out which forms a column may have at all.
_SAMPLE = 500
#: Rows that fit, of which a stray one is told by its being alone.
_MANY = 20


class Wanted(NamedTuple):
    """How columns are to be read: what --columns says of them, by name, what spells a missing value beside the empty
    cell, the decimal sign, where it is known, and whether numbers and truth values are plain and text is all else."""

    kinds: Mapping[str, str] = MappingProxyType({})
    missing: Tuple[str, ...] = ()
    decimal: str = ""
    plain: bool = False


def decode(column: pd.Series, wanted: Wanted) -> tuple[pd.Series, Optional[Form]]:
    """Turn a column into what its cells mean: float64, bool, datetime64 or text, None or NaN where they are missing.

    Returns how they were spelt, too, where that is not as a program writes them. Raises DataError.
    """
    found, form = _decode(column, wanted)
    if found.dtype == np.float64:
        too_large = np.flatnonzero(np.abs(found.to_numpy()) > LARGEST)
        if len(too_large):
            raise DataError(
                f"column {column.name!r} has infinite numbers, or numbers larger than {LARGEST:.1e}, in "
                f"{len(too_large)} cells ({rows_of(column, too_large)}): leave these cells empty, or leave the column "
                f"out with {option('--drop', join([str(column.name)]))}"
            )
    return found, form


def _decode(column: pd.Series, wanted: Wanted) -> tuple[pd.Series, Optional[Form]]:
    kind = wanted.kinds.get(str(column.name), "")
    column = _plain(column)
    if column.dtype != object:
        return (column.map(str, na_action="ignore").astype(object), None) if kind == "text" else (column, None)
    column = column.where(~column.isin([*wanted.missing, ""]), None)
    if kind == "text":
        return column.map(str, na_action="ignore"), None
    if all(isinstance(value, bool) for value in column.dropna()):
        return column, None
    codes, cells = pd.factorize(column, use_na_sentinel=True)
    cells = [str(cell) for cell in cells]
    form = _choose(column, codes, cells, kind, wanted)
    if form is None:
        return column.map(str, na_action="ignore"), None
    values = _numbers(form, cells)
    as_programs_do = values is not None or (isinstance(form, Truths) and form.plain)
    if values is None:
        values = read(form, str(column.name), cells, frozenset(), [])
    found = pd.Series(_as_pandas(np.append(values, np.nan)[codes], form), index=column.index, name=column.name)
    return found, None if as_programs_do else form


def _plain(column: pd.Series) -> pd.Series:
    """The values of a column in the types that there are here: float64, bool, datetime64, or objects with None."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(column.astype(dtype.categories.dtype))
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return column
    if pd.api.types.is_timedelta64_dtype(dtype):
        return column.dt.total_seconds()
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(object).where(column.notna(), None) if column.isna().any() else column.astype(bool)
    if pd.api.types.is_numeric_dtype(dtype):
        return pd.Series(column.to_numpy(np.float64, na_value=np.nan), column.index, name=column.name)
    column = column.astype(object).where(column.notna(), None)
    known = column.dropna()
    types = {*known.map(type)}
    if types & {list, dict, set, tuple, np.ndarray}:
        raise DataError(f"column {column.name!r} holds lists or structures: turn it into columns of plain values")
    if types and all(issubclass(kind, (int, float, decimal.Decimal)) and kind is not bool for kind in types):
        return column.astype(np.float64)
    if types and all(issubclass(kind, datetime.date) for kind in types):
        values = read(Dates(utc=True), str(column.name), column, frozenset(), [])
        return pd.Series(_as_pandas(values, Dates()), column.index, name=column.name)
    return column.map(lambda value: _text(value, column.name), na_action="ignore") if bytes in types else column


def _text(value: Any, name: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"column {name!r} holds bytes that are not text: leave it out with {option('--drop', join([str(name)]))}"
        ) from error


def _as_pandas(values: np.ndarray, form: Form) -> Any:
    """Values of a form as pandas has them."""
    if isinstance(form, Dates):
        micros = np.round(np.where(np.isnan(values), 0, values) * 1e6).astype(np.int64)
        return np.where(np.isnan(values), np.datetime64("NaT"), micros.astype("datetime64[us]"))
    if isinstance(form, Numbers):
        return values
    found = values == 1
    return np.where(np.isnan(values), None, found.astype(object)) if np.isnan(values).any() else found


def _choose(column: pd.Series, codes: np.ndarray, cells: Sequence[str], kind: str, wanted: Wanted) -> Optional[Form]:
    """The form of a column of text, or None where it is text. `cells` are the different ones, and `codes` which of
    them each row has. Raises DataError where some few cells are not of the form of the others."""
    forms = [form for form in _forms(cells, kind, wanted) if kind or any(_fits(form, cells[:_SAMPLE]))]
    if not forms:
        if kind and cells:
            raise Stray(column, kind, cells, np.flatnonzero(codes >= 0))
        return None
    rows = np.bincount(codes[codes >= 0], minlength=len(cells))
    fits: list[np.ndarray] = []
    for form in forms:
        fits.append(_fits(form, cells))
        if fits[-1].all() and not isinstance(form, Dates):  # of dates it is said that there are others
            break
    best = max(range(len(fits)), key=lambda at: (rows[fits[at]].sum(), -at))
    form, fitting = forms[best], fits[best]
    if fitting.all():
        _say_which(column, forms, fits, form)
        return form
    if kind or _are_stray(cells, fitting, rows, form):
        others = [cell for cell, fit in zip(cells, fitting) if not fit]
        stray = np.flatnonzero(np.isin(codes, np.flatnonzero(~fitting)))
        raise Stray(column, kind or _kind(form), others, stray)
    return None


def _forms(cells: Sequence[str], kind: str, wanted: Wanted) -> list[Form]:
    """The forms that cells may have, the likelier one first."""
    if kind.startswith("date="):
        return [Dates(kind.partition("=")[2])]
    found: list[Form] = []
    if kind == "number" or (not kind and not _are_codes(cells)):
        found += [Numbers()] if wanted.plain else numbers.candidates(cells, wanted.decimal)
    if kind in ("", "bool"):
        found += truths.candidates(cells)
    if kind == "bool" and {*cells} <= {"0", "1"}:
        found.append(Numbers())
    if kind in ("", "date"):
        found += dates.candidates(cells)
    return [form for form in found if not wanted.plain or (not isinstance(form, Dates) and form.plain)]


def _are_codes(cells: Sequence[str]) -> bool:
    """Whether those cells that could be numbers are codes, as of places, which begin with zeros or have many digits."""
    if not any(map(numbers.is_code, cells)):
        return False
    return all(cell.strip().isdigit() for cell in cells if Numbers().read(cell) is not None)


def _fits(form: Form, cells: Sequence[str]) -> np.ndarray:
    if _numbers(form, cells) is not None:
        return np.ones(len(cells), bool)
    return np.array([form.read(cell) is not None for cell in cells], bool)


def _numbers(form: Form, cells: Sequence[str]) -> Optional[np.ndarray]:
    """Cells as numbers where they are all plain ones, which is many times as fast as cell by cell; else None."""
    if form != Numbers() or "_" in "".join(cells):  # which Python takes for a number's
        return None
    try:
        values = np.array(cells, dtype=object).astype(np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _are_stray(cells: Sequence[str], fits: np.ndarray, rows: np.ndarray, form: Form) -> bool:
    """Whether the cells that do not fit are mistakes, or mean a missing value, and the column is not one of text.

    They are well-known spellings of one, in any number of cells; or at most ten others, in at most half of the cells,
    without digits and few beside those that fit: "A7" beside "12" is a code, and "M" beside "38" is a size; or so few
    that the others cannot be meant as text.
    """
    others = [cell for cell, fit in zip(cells, fits) if not fit]
    left, total = rows[~fits].sum(), rows.sum()
    if not fits.any() or {other.strip() for other in others} <= MISSING:
        return bool(fits.any())
    if isinstance(form, Truths):  # a third answer
        return False
    if left <= max(1, total // 50) and rows[fits].sum() >= _MANY:
        return True
    few = len(others) <= min(10, np.count_nonzero(fits) / 3) and left <= total / 2
    return bool(few and not any(letter.isdigit() for cell in others for letter in cell))


def _kind(form: Form) -> str:
    return "date" if isinstance(form, Dates) else "number" if isinstance(form, Numbers) else "bool"


def _say_which(column: pd.Series, forms: Sequence[Form], fits: Sequence[np.ndarray], form: Form) -> None:
    """Say how dates are read that can be read in another way, too."""
    others = [other for other, fit in zip(forms, fits) if fit.all() and other != form]
    if isinstance(form, Dates) and others and isinstance(others[0], Dates):
        cell = column.dropna().iloc[0]
        print(
            f"column {column.name!r}: {cell!r} is read as {form.format}; if it is {others[0].format}, "
            f"use {option('--columns', f'{column.name}:date={others[0].format}')}"
        )
