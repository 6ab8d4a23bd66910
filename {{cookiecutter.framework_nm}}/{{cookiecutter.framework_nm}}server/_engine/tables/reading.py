"""Reading a table from a file, and deciding what its cells are: numbers, text, or missing values.

Not here: what is learnt from a table. Serving never imports this module: some of what it needs is installed for
training only.
"""

from __future__ import annotations

import functools
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris

from ..contract.signature import Signature

#: What usually means a missing value: the user is told of it, and it counts as one only if --missing says so.
MISSING = {"NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "NaN", "nan", "?", "-", "."}


class DataError(Exception):
    """Training data that cannot be used. The message says what is wrong and where."""


def read_data(
    path: Path | None, target: str | None, missing: tuple[str, ...] = (), text: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.Series]:
    """Read a CSV or Parquet file and take the target column off; without a file, read the iris data set.

    An empty cell is a missing value, and so is one of the spellings in `missing`. The columns named in `text` are
    text, whatever they look like. Rows without a target are dropped, and so are columns without any value, with a
    message about each.

    Raises DataError where the file cannot be read, is not a table of plain values, has no such columns, or where a
    column is neither numbers nor text.
    """
    if path is None or target is None:
        iris = load_iris(as_frame=True)
        return iris.data, iris.target
    frame = _read_table(path, missing, text)
    for name in (target, *text):
        if name not in frame:
            raise DataError(
                f"{path} has no column {name!r}; its columns are {', '.join(map(repr, frame.columns))}"
                + ("; separate columns by commas" if frame.shape[1] == 1 and name in frame.columns[0] else "")
            )
    for name in frame.columns.drop(list(text)):
        _check_spellings(frame[name], missing, text)
    absent = frame[target].isna()
    if absent.any():
        taken = ", ".join(["the empty cell", *map(repr, missing)])
        print(f"{absent.sum()} rows without a value in {target!r} ({taken}) are left out")
        frame = frame[~absent]
    X = frame.drop(columns=target)
    empty = X.columns[X.isna().all()]
    if len(empty):
        print(f"columns without any value are left out: {', '.join(map(repr, empty))}")
    X = X.drop(columns=empty)
    if X.shape[1] == 0 or len(X) < 2:
        raise DataError(f"{path} has {len(X)} rows with a value in {target!r} and {X.shape[1]} other columns to use")
    for name in X.columns:
        if X[name].map(lambda value: isinstance(value, (list, dict, set, np.ndarray))).any():
            raise DataError(f"column {name!r} holds lists or structures: turn it into columns of plain values")
    return X, frame[target]


def _read_table(path: Path, missing: tuple[str, ...], text: Sequence[str]) -> pd.DataFrame:
    """Read a file, with NaN or None for missing values. Raises DataError where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            if path.suffix.lower() in {".parquet", ".pq"}:
                frame = pd.read_parquet(path).reset_index(drop=True)
                known = Signature((), missing).known
                frame = pd.DataFrame({name: known(frame[name]).reindex(frame.index) for name in frame})
            else:
                frame = _read_csv(path, missing, text)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}; save it as UTF-8") from error
    except (OSError, ValueError, ImportError, pd.errors.ParserWarning) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    frame.columns = frame.columns.map(str)
    return frame.assign(**{name: frame[name].map(str, na_action="ignore") for name in text if name in frame})


def _read_csv(path: Path, missing: tuple[str, ...], text: Sequence[str]) -> pd.DataFrame:
    read = functools.partial(pd.read_csv, path, low_memory=False, index_col=False, keep_default_na=False)
    frame = read(na_values=["", *missing], dtype=dict.fromkeys(text, str))
    if Signature((), missing).missing_numbers:
        # Where -999 is missing, pandas takes -999.0 for missing in text as well, which requests do not.
        cells = read(na_values=[""], dtype=str)
        for name in frame:
            if name in text or frame[name].map(type).eq(str).any():
                frame[name] = cells[name].where(~cells[name].isin(missing))
    return frame


def _check_spellings(column: pd.Series, missing: Sequence[str], text: Sequence[str]) -> None:
    """Raise DataError where a column of text is one of numbers, or of true and false, except for a few spellings.

    Such spellings usually mean a missing value; read as text, they would turn the whole column into text. They are
    well-known ones, in any number of cells, or at most ten others, in at most half of the cells, without digits and
    few beside the numbers: "A7" beside "12" is a code, and "M" beside "38" is a size.
    """
    if pd.api.types.is_numeric_dtype(column):
        return
    cells = column.dropna().astype(str)
    for kind, fits in (("numbers", _is_number(cells)), ("true or false", cells.str.lower().isin(["true", "false"]))):
        others = cells[~fits]
        spellings = others.unique()
        known = set(spellings) <= MISSING
        few = len(spellings) <= min(10, cells[fits].nunique() / 3) and len(others) <= len(cells) / 2
        if len(others) and fits.any() and (known or (few and not others.str.contains(r"\d").any())):
            rows = ", ".join(str(row + 1) for row in others.index[:5])
            raise DataError(
                f"column {column.name!r} has {kind} in {fits.sum()} cells, and {', '.join(map(repr, spellings))} in "
                f"{len(others)} (row {rows}; the first row of data is row 1). If they are missing values, "
                f"{_missing_hint([*missing, *spellings])}; if the column is text, use "
                f"--columns {shlex.quote(','.join(f'{name}:text' for name in (*text, column.name)))}"
            )
    spelt = sorted(set(cells) & MISSING)
    if spelt:
        print(
            f"column {column.name!r}: {', '.join(map(repr, spelt))} is read as text; "
            f"if it means a missing value, use --missing {shlex.quote(','.join([*missing, *spelt]))}"
        )


def _missing_hint(spellings: list[str]) -> str:
    if any("," in spelling for spelling in spellings):  # commas separate the spellings
        return "leave their cells empty in the file, because --missing takes no text with a comma"
    return f"use --missing {shlex.quote(','.join(spellings))}"


def _is_number(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells, errors="coerce").notna()
