"""Reading a file into a table of cells: its format and encoding, and what separates the columns of CSV.

Not here: what a cell means (cells.py).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
import zlib
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pandas as pd

#: Separators, the likelier one first where a file can be read by several.
SEPARATORS = (",", ";", "\t", "|")
#: Bytes of a file that tell its separator and its decimal sign.
_SAMPLE = 100_000
#: The line that Excel reads before the header: what separates the columns.
_SAID = re.compile("sep=(.)", re.IGNORECASE)
#: How files begin that are not read, and what they are.
_NO_TABLES = {
    b"PK\x03\x04": "an Excel file or a zip archive: save the table as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an Excel file: save the table as CSV",
    b"SQLite format 3": "a database: export the table as CSV",
    b'{"': "JSON: save the table as CSV or Parquet",
    b"[{": "JSON: save the table as CSV or Parquet",
}
_OTHER_ENCODING = "name its encoding, such as --encoding latin-1 or utf-16-le, or save it as CSV in UTF-8"
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d+,(?!\d{3}$)\d+|0,\d+)")


class DataError(Exception):
    """Training data that cannot be used. The message says what is wrong and where."""


class Dialect(NamedTuple):
    """How a CSV file is written; what is "" is found out."""

    separator: str = ""
    decimal: str = ""
    encoding: str = ""


def read_table(path: Path, dialect: Dialect) -> tuple[pd.DataFrame, Dialect]:
    """Read a Parquet file, with the types that it has, or a CSV file, also one packed with gzip, as text with NaN for
    empty cells; and say how that is written. Raises DataError."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if start.startswith(b"PAR1") or path.suffix.lower() in {".parquet", ".pq"}:
            frame = _with_index(pd.read_parquet(path))
        else:
            frame, dialect = _read_csv(path, dialect, start)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}; {_OTHER_ENCODING}") from error
    except LookupError as error:
        raise DataError(f"--encoding: {error}; expected one that Python knows, such as utf-8 or cp1252") from error
    except (ValueError, ImportError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    frame.columns = frame.columns.map(str)
    _check_twice(path, [*frame.columns])
    return frame, dialect


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The index of pandas as columns, where it has names: it is in the file, as they are."""
    named = [name for name in frame.index.names if name is not None]
    return (frame.reset_index(named) if named else frame).reset_index(drop=True)


def _read_csv(path: Path, dialect: Dialect, start: bytes) -> tuple[pd.DataFrame, Dialect]:
    for mark, what in _NO_TABLES.items():
        if start.startswith(mark):
            raise DataError(f"{path} is {what}; training reads CSV and Parquet")
    encoding = dialect.encoding or _encoding(path)
    with _open(path, encoding) as file:
        sample = file.read(_SAMPLE)
    if "\0" in sample:
        raise DataError(f"{path} has bytes that are no text in {encoding}; {_OTHER_ENCODING}")
    lines = sample.splitlines()[: -1 if len(sample) == _SAMPLE else None]
    said = _SAID.fullmatch(lines[0]) if lines else None
    lines = lines[1:] if said else lines
    separator = dialect.separator or (said.group(1) if said else separator_of(lines))
    _check_twice(path, next((row for row in csv.reader(lines, delimiter=separator) if row), []))
    content = Content(path, encoding, separator, int(bool(said)))
    decimal = dialect.decimal or ("," if separator == ";" and _has_decimal_commas(lines) else "")
    return content.read().astype(object), Dialect(separator, decimal, encoding)


class Content(NamedTuple):
    """What is in a CSV file: `before` lines, a header, and rows."""

    path: Path
    encoding: str
    separator: str
    before: int

    def read(self) -> pd.DataFrame:
        """The cells as text. Raises DataError where a line has more than the header; says which have fewer."""
        try:
            with _open(self.path, self.encoding) as file, warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
                frame = pd.read_csv(
                    file,
                    sep=self.separator,
                    dtype=str,
                    skiprows=self.before,
                    keep_default_na=False,
                    na_values=[""],
                    index_col=False,
                    low_memory=False,
                )
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise DataError(f"{self.path} cannot be read: {self._longer() or error}") from error
        if frame.shape[1] > 1 and frame.iloc[:, -1].isna().any():
            self._say_shorter()
        return frame

    def _longer(self) -> str:
        width, others = self._others()
        longer = [(line, cells) for line, cells in others if cells > width]
        if not longer:
            return ""
        return (
            f"its header has {width} cells, but {_listed(longer)}. Put quotes around cells that hold the separator "
            f"{self.separator!r} or line breaks; delete lines that are not of the table, such as a title above the "
            "header; or name another separator with --separator"
        )

    def _say_shorter(self) -> None:
        width, others = self._others()
        if others:
            print(f"the header has {width} cells, but {_listed(others)}: those that they lack are read as missing")

    def _others(self) -> tuple[int, list[tuple[int, int]]]:
        """How many cells the header has, and those lines that have another number of them, with that number."""
        with _open(self.path, self.encoding) as file:
            reader = csv.reader(file, delimiter=self.separator)
            rows = ((reader.line_num, len(row)) for row in reader if row and reader.line_num > self.before)
            try:
                _, width = next(rows, (0, 0))
                return width, [(line, cells) for line, cells in rows if cells != width]
            except csv.Error:  # a cell that is too long for Python
                return 0, []


def _listed(lines: list[tuple[int, int]]) -> str:
    """Some of the lines with how many cells they have."""
    more = [f"{len(lines) - 5} more lines have another number"] if len(lines) > 5 else []
    return " and ".join([", ".join(f"line {line} has {cells}" for line, cells in lines[:5]), *more])


def _check_twice(path: Path, names: list[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if twice:
        raise DataError(f"{path}: {', '.join(map(repr, twice))} names several columns; give each a name of its own")


def _open(path: Path, encoding: str) -> TextIO:
    return io.TextIOWrapper(_open_bytes(path), encoding=encoding, newline="")


def _open_bytes(path: Path) -> Any:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def _encoding(path: Path) -> str:
    """UTF-8 or UTF-16 where a file is in it, else what Windows writes in Western Europe."""
    try:
        with _open_bytes(path) as file:
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
