"""What the columns of a table are, and what is odd about them. Not here: printing it, and what is learnt from them."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..contract.dates import Dates, to_seconds
from ..contract.signature import Column

#: What fewer rows have in common may be chance.
FEWEST = 20
#: What the target is called where it is put beside the columns, of which none is called so.
_TARGET = "\N{NULL}"
#: Names of columns that say which row it is.
_NAMES = re.compile(r"(?:^|[_\W]|(?<=[a-z])(?=[IUK]))(?:id|uuid|guid|key|index|row|unnamed: \d+)$", re.IGNORECASE)


class Profile(NamedTuple):
    """What a column is. `example` is a value, and `shared` says whether enough rows have it, or it is no name."""

    name: str
    kind: str
    example: str
    shared: bool
    missing: int
    distinct: int


def describe(column: Column, values: pd.Series, min_count: int) -> Profile:
    """Describe a column of the signature by its values. A text that fewer than `min_count` rows share may name
    somebody: it is for the person at the terminal alone."""
    known = values.dropna()
    counts = known.value_counts()
    if column.datatype == "FP64":
        example = f"{known.quantile(interpolation='nearest') + 0.0:.6g}"
        shared = not numbers_rows(values)
    else:
        example = str(counts.index[0])
        if isinstance(column.form, Dates):
            example = column.form.write(to_seconds(counts.index[0], column.form.utc) or 0.0)
        shared = bool(counts.iloc[0] >= min_count)
    return Profile(column.name, column.kind, example, shared, len(values) - len(known), len(counts))


def why_unused(values: pd.Series) -> str:
    """Why nothing can be learnt from a column; "" where something may be."""
    if constant(values):
        return "the same value in every row"
    return "it names the rows" if identifies_rows(values) else ""


def identifies_rows(values: pd.Series) -> bool:
    """Whether a column says which row it is: by a number that counts the rows, or an address or key of its own."""
    if numbers_rows(values):
        counts = values.min() in (0, 1) and values.max() - values.min() == len(values) - 1
        return bool(counts or _NAMES.search(str(values.name)))
    return names_rows(values) and not values.str.contains(r"\s").any()


def constant(values: pd.Series) -> bool:
    """Whether all rows have the same value, missing values included."""
    return bool(values.nunique(dropna=False) == 1)


def numbers_rows(values: pd.Series) -> bool:
    """Whether these are whole numbers without repetition that count up from row to row, or leave none out."""
    if not _is_number(values) or len(values) < FEWEST or values.isna().any() or not (values % 1 == 0).all():
        return False
    rising, consecutive = values.is_monotonic_increasing, values.max() - values.min() == len(values) - 1
    return bool(values.is_unique and (rising or consecutive))


def names_rows(values: pd.Series) -> bool:
    """Whether these are short texts, another one in each row: names, addresses, keys."""
    if values.dtype != object or len(values) < FEWEST or values.isna().any() or not values.is_unique:
        return False
    return bool(values.astype(str).str.count(r"\s").median() <= 2)


def without_categories(values: pd.Series, min_count: int) -> bool:
    """Whether this is text, none of which so many rows share."""
    if values.dtype != object or not all(isinstance(value, str) for value in values.dropna()):
        return False
    return bool(values.value_counts().max() < min_count)


def copies(X: pd.DataFrame, y: pd.Series) -> int:
    """How many rows are copies of an earlier one; 0 if they are few, or columns have so few values that other rows
    may well be alike."""
    combinations = np.log10([max(X[name].nunique(), 1) for name in X]).sum()
    found = int(X.assign(**{_TARGET: y}).duplicated().sum())
    return found if found > len(X) / 100 and combinations > np.log10(len(X)) + 2 else 0


def gives_away(values: pd.Series, y: pd.Series) -> bool:
    """Whether a column alone tells the target of every row, or of every row where it has a value."""
    if len(y) < FEWEST or y.nunique() < 2 or numbers_rows(values):
        return False
    cells = pd.Series(pd.factorize(values, use_na_sentinel=False)[0], index=y.index)
    shared = cells[cells.duplicated(keep=False)]
    if len(shared) > len(y) / 2 and y[shared.index].nunique() > 1 and _tells(shared, y[shared.index]):
        return True
    if y.nunique() == 2 and values.isna().any() and _tells(values.isna(), y):
        return True
    known = values.dropna()
    if not _is_number(values) or len(known) < max(FEWEST, len(y) / 2):
        return False
    of_known = y[known.index]
    if _is_number(y) and y.nunique() > FEWEST:
        return _moves_along(known, of_known)
    in_order = pd.factorize(of_known[known.sort_values().index])[0]
    # Each label has a range of its own.
    return bool(_tells(known, of_known) and 0 < np.count_nonzero(np.diff(in_order)) == of_known.nunique() - 1)


def _tells(cells: pd.Series, y: pd.Series) -> bool:
    """Whether rows that have the same value have the same target."""
    return bool((y.groupby(cells).nunique() == 1).all())


def _moves_along(values: pd.Series, y: pd.Series) -> bool:
    if values.nunique() < 2 or y.nunique() < 2:
        return False
    return bool(abs(np.corrcoef(values.astype(np.float64), y.astype(np.float64))[0, 1]) > 0.9999)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
