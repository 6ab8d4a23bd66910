"""Reading a table from a file: the columns to learn from, and the one to predict.

Not here: what cells mean (cells.py), what is learnt from a table. Serving never imports this room: some of what it
needs is installed for training only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Dict, List, Mapping, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris

from ..contract.dates import Dates
from ..contract.forms import Form
from ..contract.listed import lacking
from ..contract.signature import Signature
from ..contract.truths import Truths
from .cells import Wanted, decode
from .files import DataError, Dialect, read_table
from .strays import MISSING, missing_hint, refuse

__all__ = ["DataError", "Dialect", "Table", "Wanted", "read_data"]


#: What is found out: what columns are, and how a CSV file is written.
_AS_FOUND, _FOUND_OUT = Wanted(), Dialect()


class Table(NamedTuple):
    """The columns to learn from, the target, how columns were spelt that were not spelt as a program does, and which
    were left out, and why."""

    X: pd.DataFrame
    y: pd.Series
    forms: Mapping[str, Form] = MappingProxyType({})
    unused: Mapping[str, str] = MappingProxyType({})


def read_data(
    path: Path | None,
    target: str | None,
    wanted: Wanted = _AS_FOUND,
    dialect: Dialect = _FOUND_OUT,
    drop: Sequence[str] = (),
) -> Table:
    """Read a CSV or Parquet file and take the target column off, if one is named; without a file, read the iris data.

    An empty cell is a missing value, and so is one of the spellings in `wanted.missing`. Rows without a target are
    left out, and so are columns without any value, with a message about each, unless `wanted` is plain: a model may
    take them; those in `drop` are not looked at.

    Raises DataError where the file cannot be read, is not a table of plain values, has no such columns, or where some
    cells of a column are not like the others.
    """
    if path is None:
        iris = load_iris(as_frame=True)
        return Table(iris.data, iris.target)
    frame, dialect = read_table(path, dialect)
    wanted = wanted._replace(decimal=dialect.decimal)
    _check_names(path, frame, [*([target] if target else []), *wanted.kinds, *drop])
    columns: Dict[str, pd.Series] = {}
    forms: Dict[str, Form] = {}
    wrong: List[DataError] = []
    for name in frame.columns.difference([name for name in drop if name != target], sort=False):
        try:
            columns[name], form = decode(frame[name], wanted)
            if name == target and isinstance(form, (Dates, Truths)):  # labels stay as they are written
                columns[name], form = decode(frame[name], wanted._replace(kinds={name: "text"}))
        except DataError as error:
            wrong.append(error)
            continue
        if form is not None:
            forms[name] = form
        _say_spellings(columns[name], wanted)
    refuse(wrong, wanted.missing, wanted.kinds)
    table = _without_gaps(path, pd.DataFrame(columns), target, wanted)
    return table._replace(forms=forms, unused={**dict.fromkeys(drop, "--drop names it"), **table.unused})


def _check_names(path: Path, frame: pd.DataFrame, names: Sequence[str]) -> None:
    problem = lacking(names, list(frame))
    if problem:
        raise DataError(
            f"{path} has {problem}"
            + ("; if something else separates columns, use --separator" if frame.shape[1] == 1 else "")
        )


def _without_gaps(path: Path, frame: pd.DataFrame, target: str | None, wanted: Wanted) -> Table:
    """The table of rows with a target, where there is one, and of columns with values. Raises DataError where too few
    are left."""
    missing = wanted.missing
    numbers = frame.select_dtypes(np.float64)
    frame = frame.assign(**numbers.mask(numbers.isin(Signature((), missing).missing_numbers)))
    if target is None:
        if frame.empty:
            raise DataError(
                f"{path} has {len(frame)} rows and {frame.shape[1]} columns to use; it needs one of each at least"
            )
        return Table(frame, pd.Series(index=frame.index, dtype=object))
    absent = frame[target].isna()
    if absent.any():
        taken = ", ".join(["the empty cell", *map(repr, missing)])
        who, they = ("1 row is", "it has") if absent.sum() == 1 else (f"{absent.sum()} rows are", "they have")
        print(f"{who} left out, because {they} no value in {target!r} ({taken})")
        frame = frame[~absent]
    X = frame.drop(columns=target)
    empty = X.columns[X.isna().all() & (not wanted.plain)]
    if len(empty):
        print(f"columns without any value are left out: {', '.join(map(repr, empty))}")
    X = X.drop(columns=empty)
    if X.shape[1] == 0 or len(X) < 2:
        raise DataError(
            f"{path} has {len(X)} rows with a value in {target!r} and {X.shape[1]} other columns to use; training "
            "needs at least 2 rows and 1 column"
        )
    return Table(X, frame[target].infer_objects(), unused=dict.fromkeys(empty, "it has no values"))


def _say_spellings(column: pd.Series, wanted: Wanted) -> None:
    """Say of a column of text which of its spellings usually mean a missing value."""
    texts = {*column.dropna()} if column.dtype == object else ()
    spelt = sorted(text for text in texts if isinstance(text, str) and text.strip() in MISSING)
    if spelt:
        print(
            f"column {column.name!r}: {', '.join(map(repr, spelt))} is read as text; if it means a missing value, "
            f"{missing_hint([*wanted.missing, *spelt])}"
        )
