"""Reading a file into a table of cells: its encoding, and what separates the columns of CSV.

Not here: what a cell means (cells.py).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import pandas as pd

#: Separators, the likelier one first where a file can be read by several.
SEPARATORS = (",", ";", "\t", "|")
#: Bytes of a file that tell its separator and its decimal sign.
_SAMPLE = 100_000
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d+,(?!\d{3}$)\d+|0,\d+)")


class DataError(Exception):
    """Training data that cannot be used. The message says what is wrong and where."""


class Dialect(NamedTuple):
    """How a CSV file is written; what is "" is found out."""

    separator: str = ""
    decimal: str = ""
    encoding: str = ""


def read_csv(path: Path, dialect: Dialect) -> tuple[pd.DataFrame, Dialect]:
    """Read a CSV file as text, with NaN for empty cells, and say how it is written. Raises DataError."""
    encoding = dialect.encoding or _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            sample = file.read(_SAMPLE)
        lines = sample.splitlines()[: -1 if len(sample) == _SAMPLE else None]
        separator = dialect.separator or separator_of(lines)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            frame = pd.read_csv(
                path,
                sep=separator,
                encoding=encoding,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                low_memory=False,
            )
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}; name its encoding, such as --encoding cp1252") from error
    except LookupError as error:
        raise DataError(f"--encoding: {error}; expected one that Python knows, such as utf-8 or cp1252") from error
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    decimal = dialect.decimal or ("," if separator == ";" and _has_decimal_commas(lines) else "")
    return frame.astype(object), Dialect(separator, decimal, encoding)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file, with the types that it has. Raises DataError."""
    try:
        return pd.read_parquet(path).reset_index(drop=True)
    except (OSError, ValueError, ImportError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _encoding(path: Path) -> str:
    """UTF-8 or UTF-16 where a file is in it, else what Windows writes in Western Europe."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
            decoder = codecs.getincrementaldecoder("utf-8")()
            decoder.decode(start)
            for block in iter(lambda: file.read(1 << 20), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        print(f"{path.name} is not UTF-8 and is read as cp1252; if it is in another encoding, use --encoding")
        return "cp1252"
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return "utf-8-sig"


def separator_of(lines: list[str]) -> str:
    """What separates the columns: what gives the most of them, as many in each line as in the first one."""
    header = lines[0] if lines else ""
    return max(SEPARATORS, key=lambda separator: (_width(lines, separator), header.count(separator)))


def _width(lines: list[str], separator: str) -> int:
    try:
        rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator) if row]
    except csv.Error:
        return 0
    wrong = sum(len(row) != len(rows[0]) for row in rows)
    return len(rows[0]) if rows and len(rows[0]) > 1 and wrong <= len(rows) / 20 else 0


def _has_decimal_commas(lines: list[str]) -> bool:
    cells = (cell.strip() for row in csv.reader(lines[1:], delimiter=";") for cell in row)
    return any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
