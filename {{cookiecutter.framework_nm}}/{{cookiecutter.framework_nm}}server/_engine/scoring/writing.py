"""Writing scores: CSV, JSON Lines and Parquet, in files that can be put together. Not here: what is written."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from .places import Place

#: Bytes that are copied at once.
_BLOCK = 1 << 20


class Csv:
    """Lines of CSV under one with the columns' names; lists and objects are written as JSON."""

    def __init__(self, stream: Any, schema: Any) -> None:
        self._stream = stream
        flat = [field.with_type(pa.string()) if pa.types.is_nested(field.type) else field for field in schema]
        self._schema = pa.schema(flat)
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(schema.names)
        stream.write(header.getvalue().encode())

    def write(self, columns: Mapping[str, Any]) -> None:
        table = _table(columns, self._schema)
        try:
            self._stream.write(_as_csv(table, "none"))
        except pa.ArrowInvalid:  # quotes are needed, and pyarrow puts all text between them, or none
            self._stream.write(_as_csv(table, "needed"))

    def close(self) -> None:
        """Nothing is left to be written."""


class Lines:
    """A JSON object a row."""

    def __init__(self, stream: Any, schema: Any) -> None:
        self._stream = stream

    def write(self, columns: Mapping[str, Any]) -> None:
        rows = zip(*(plain(values) for values in columns.values()))
        content = (_json(dict(zip(columns, row))) + b"\n" for row in rows)
        self._stream.write(b"".join(content))

    def close(self) -> None:
        """Nothing is left to be written."""


class Parquet:
    """Row groups of one schema."""

    def __init__(self, stream: Any, schema: Any) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(stream, schema)

    def write(self, columns: Mapping[str, Any]) -> None:
        self._writer.write_table(_table(columns, self._schema))

    def close(self) -> None:
        self._writer.close()


_WRITERS: Dict[str, Callable[[Any, Any], Any]] = {"csv": Csv, "jsonl": Lines, "parquet": Parquet}


@contextmanager
def open_writer(place: Place, format: str, schema: Any) -> Iterator[Any]:
    """What writes columns into a file of a format; at the end the file is whole."""
    with place.store.open_output_stream(place.path) as stream:
        writer = _WRITERS[format](stream, schema)
        try:
            yield writer
        finally:
            writer.close()


def join(parts: Sequence[Place], whole: Place, format: str, schema: Any) -> None:
    """Put files together, in their order."""
    with whole.store.open_output_stream(whole.path) as stream:
        if format != "parquet":
            _join_lines(parts, stream, _header(schema) if format == "csv" else b"")
            return
        with pq.ParquetWriter(stream, schema) as writer:
            for part in parts:
                with part.store.open_input_file(part.path) as file:
                    for batch in pq.ParquetFile(file, buffer_size=_BLOCK, pre_buffer=False).iter_batches():
                        writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def _join_lines(parts: Sequence[Place], stream: Any, header: bytes) -> None:
    stream.write(header)  # which there is where no part is, too
    for part in parts:
        for block in _blocks(part, len(header)):
            stream.write(block)


def _blocks(part: Place, skip: int) -> Iterator[bytes]:
    with part.store.open_input_stream(part.path) as file:
        file.read(skip)
        yield from iter(lambda: file.read(_BLOCK), b"")


def _header(schema: Any) -> bytes:
    """The first line of CSV."""
    stream = io.BytesIO()
    Csv(stream, schema)
    return stream.getvalue()


def plain(values: Any) -> List[Any]:
    """A column's values as Python has them; those of single precision as JSON writes them, in few digits."""
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        found: List[Any] = values.to_pylist()
    elif isinstance(values, np.ndarray) and values.dtype == np.float32:
        found = orjson.loads(orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY))
    else:
        found = values.tolist() if isinstance(values, np.ndarray) else values
    return found


def _as_csv(table: Any, quotes: str) -> Any:
    stream = pa.BufferOutputStream()
    arrow_csv.write_csv(table, stream, arrow_csv.WriteOptions(include_header=False, quoting_style=quotes))
    return stream.getvalue()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY)


def _table(columns: Mapping[str, Any], schema: Any) -> Any:
    return pa.Table.from_arrays([_array(columns[field.name], field.type) for field in schema], schema=schema)


def _array(values: Any, kind: Any) -> Any:
    if isinstance(values, (pa.Array, pa.ChunkedArray)) and not (
        pa.types.is_nested(values.type) and kind == pa.string()
    ):
        return values.cast(kind)
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in plain(values)], kind)
    flat = isinstance(values, np.ndarray) and values.ndim == 1
    return pa.array(values if flat else plain(values), kind)


def _text(value: Any) -> Optional[str]:
    return value if value is None or isinstance(value, str) else _json(value).decode()
