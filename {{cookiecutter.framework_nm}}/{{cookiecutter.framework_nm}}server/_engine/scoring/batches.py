"""Rows of a chunk, some at a time, brought into the model's input as a server brings those of requests.

Cells of CSV and values of Parquet are columns, lines of JSON are rows. Not here: what is answered to them.
"""

from __future__ import annotations

import csv
import io
from typing import Any, Dict, Iterator, List, Protocol, Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from ..contract.signature import Column, Signature
from ..protocol import lines
from ..protocol.refusals import Refusals, join
from ..protocol.rows import Rows
from ..protocol.tensors import InvalidRequest
from ..tables.files import DataError
from .places import failing
from .sources import Chunk, File

#: Bytes of a Parquet file that are read at once.
_BUFFER = 1 << 20


class Checks:
    """How a server reads rows for a model, and says what is wrong with them."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.refusals = Refusals(signature)
        self.rows = Rows(signature, self.refusals)


class Batch(Protocol):
    """Some rows."""

    def __len__(self) -> int: ...

    def part(self, first: int, rows: int) -> Batch:
        """Some of these rows."""

    def input(self, checks: Checks) -> Any:
        """The model's input. Raises InvalidRequest where a row does not fit."""

    def kept(self, name: str) -> Any:
        """A column as it came, or what is closest to it: an array of pyarrow's, or a list."""


class Cells:
    """Rows of a table. `broken` says of those with too few or too many cells, by their position, what is wrong."""

    def __init__(self, table: Any, broken: Dict[int, str]) -> None:
        self._table = table
        self._broken = broken

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def part(self, first: int, rows: int) -> Cells:
        broken = {at - first: said for at, said in self._broken.items() if first <= at < first + rows}
        return Cells(self._table.slice(first, rows), broken)

    def input(self, checks: Checks) -> Any:
        for said in self._broken.values():
            raise InvalidRequest(said)
        try:
            columns = [self._values(column, checks.signature) for column in checks.signature.columns]
            return checks.rows.checked(checks.rows.assembled(columns))
        except InvalidRequest:
            raise
        except ValueError as error:  # text where there should be a number
            said = join(checks.refusals.rows([self._record(checks.signature)])) if len(self) == 1 else ""
            raise InvalidRequest(said or str(error)) from None

    def kept(self, name: str) -> Any:
        return self._table.column(name) if name in self._table.column_names else [None] * len(self)

    def _values(self, column: Column, signature: Signature) -> Any:
        if column.name not in self._table.column_names:
            return np.full(len(self), np.nan, dtype=object)
        cells = _plain(self._table.column(column.name))
        if column.text:
            return np.array(cells.to_pylist(), object)
        if not pa.types.is_string(cells.type):
            return cells.to_pandas()
        if column.form is not None:
            return _values(cells, column, signature.spellings)
        return _parsed(cells, column, signature.spellings)

    def _record(self, signature: Signature) -> Dict[str, Any]:
        """The one row, as it could stand in a request of JSON."""
        found = {}
        for column in signature.columns:
            if column.name in self._table.column_names:
                (value,) = self._table.column(column.name).to_pylist()
                text = isinstance(value, str)
                found[column.name] = lines.value(value, column, signature.spellings) if text else value
        return found


class Records:
    """Rows of JSON, or text that is none."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def part(self, first: int, rows: int) -> Records:
        return Records(self._rows[first : first + rows])

    def input(self, checks: Checks) -> Any:
        known = {*checks.signature.names}
        rows = [_only(row, known) if isinstance(row, dict) else row for row in self._rows]
        return checks.rows.to_input(checks.rows.converted(rows))

    def kept(self, name: str) -> List[Any]:
        return [row.get(name) if isinstance(row, dict) else None for row in self._rows]


def batches(chunk: Chunk, rows: int, encoding: str) -> Iterator[Batch]:
    """The rows of a chunk, so many at a time. Raises DataError where the file cannot be read."""
    if isinstance(chunk.content, int):
        yield from _of_parquet(chunk.file, chunk.content, rows)
        return
    whole = _of_csv(chunk.file, chunk.content, encoding) if chunk.file.separator else _of_lines(chunk.content)
    for first in range(0, len(whole), rows):
        yield whole.part(first, min(rows, len(whole) - first))


def _of_parquet(file: File, group: int, rows: int) -> Iterator[Cells]:
    with failing(file.place), file.place.store.open_input_file(file.place.path) as stream:
        table = pq.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)
        for batch in table.iter_batches(rows, row_groups=[group], use_threads=False):
            yield Cells(pa.Table.from_batches([batch]), {})


def _of_lines(content: bytes) -> Records:
    return Records([_json(line) for line in content.split(b"\n") if line.strip()])


def _json(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return line.decode(errors="replace")  # no row is text: it is said what was expected


def _of_csv(file: File, content: bytes, encoding: str) -> Cells:
    """Cells as text. What pyarrow refuses, because rows have too many cells or too few, is read row by row."""
    try:
        return Cells(_read_at_once(file, content, encoding), {})
    except pa.ArrowInvalid:
        pass
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{file.place.shown}: {error}; name its encoding, such as --encoding cp1252") from error
    rows: List[List[str]] = []
    broken = {}
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=file.separator):
        if row and len(row) != len(file.names):
            broken[len(rows)] = f"expected {len(file.names)} cells ({', '.join(file.names)}), got {len(row)}"
            row = [*row, *[""] * len(file.names)][: len(file.names)]
        rows += [row] if row else []
    columns = [pa.array(column, pa.string()) for column in zip(*rows)] or [pa.array([], pa.string())] * len(file.names)
    return Cells(pa.table(columns, names=list(file.names)), broken)


def _read_at_once(file: File, content: bytes, encoding: str) -> Any:
    return arrow_csv.read_csv(
        pa.BufferReader(content),
        arrow_csv.ReadOptions(
            use_threads=False, block_size=len(content) + 1, column_names=list(file.names), encoding=encoding
        ),
        arrow_csv.ParseOptions(delimiter=file.separator, newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in file.names}, strings_can_be_null=False, check_utf8=True
        ),
    )


def _plain(cells: Any) -> Any:
    """A column as one array, without what only saves room."""
    cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    cells = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_large_string(cells.type) or pa.types.is_binary(cells.type) or pa.types.is_null(cells.type):
        cells = cells.cast(pa.string())
    return cells


def _parsed(cells: Any, column: Column, spellings: frozenset[str]) -> Any:
    """Text as numbers, missing values as NaN. Raises ValueError where there is other text."""
    missing = pc.is_in(cells, value_set=pa.array(["", *spellings], pa.string()))
    known = pc.if_else(missing, pa.scalar(None, pa.string()), cells)
    if column.datatype == "FP64":
        try:
            return pc.cast(known, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            pass
    values = _values(known, column, spellings)
    if any(isinstance(value, str) for value in values):  # some of which numpy would take for numbers
        raise ValueError(f"column {column.name!r} has other text")
    return values.astype(np.float64)


def _values(cells: Any, column: Column, spellings: frozenset[str]) -> np.ndarray:
    """What each cell says, in the types of JSON."""
    return np.array([lines.value(cell or "", column, spellings) for cell in cells.to_pylist()], object)


def _only(row: Dict[str, Any], names: set[str]) -> Dict[str, Any]:
    """A row without what the model does not take: a table has other columns, too."""
    return {name: value for name, value in row.items() if name in names}
