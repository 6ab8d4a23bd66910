"""Bodies of a row a line, and answers of a prediction a line: CSV, as MLflow and SageMaker take it, and JSON Lines.

Rows are those of `{"instances": [row, ...]}`; whether they fit a model is found out elsewhere. Not here: JSON bodies.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, List, Optional

import numpy as np
import orjson

from ..contract.signature import Column, Signature
from .tensors import InvalidRequest


def from_csv(body: bytes, signature: Signature, header: Optional[bool] = None) -> List[Any]:
    """Read rows of CSV. `header` says whether the first line has the columns' names, in any order; where it is None,
    it does if each is a column's, and none is left out that every request has to have.

    A cell that is no value of its column stays text. Raises InvalidRequest.
    """
    if signature.tensor:
        raise InvalidRequest("rows of this model are tensors, which CSV cannot hold: send JSON, or V2's binary form")
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"the body is not CSV in UTF-8: {error}") from None
    columns = {column.name: column for column in signature.columns}
    names = signature.names
    if lines and (_is_header(named(lines[0]), signature) if header is None else header):
        names = named(lines.pop(0))
        if len({*names}) < len(names):
            raise InvalidRequest("the first line names a column twice")
    spellings = signature.spellings
    for index, line in enumerate(lines):
        if len(line) != len(names):
            raise InvalidRequest(f"row {index}: expected {len(names)} values ({', '.join(names)}), got {len(line)}")
    kinds = [columns.get(name) for name in names]
    rows = ([value(cell, column, spellings) for cell, column in zip(line, kinds)] for line in lines)
    return [*rows] if names == signature.names else [dict(zip(names, row)) for row in rows]


def from_json_lines(body: bytes) -> List[Any]:
    """Read a row of each line, as it could stand in "instances". Raises InvalidRequest."""
    rows = []
    for index, line in enumerate(body.splitlines()):
        if line.strip():
            try:
                rows.append(orjson.loads(line))
            except ValueError as error:
                raise InvalidRequest(f"line {index}: not JSON: {error}") from None
    return rows


def to_csv(values: np.ndarray) -> bytes:
    """Write a prediction a line, with a comma between the values of one."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(values.reshape(len(values), -1).tolist())
    return written.getvalue().encode()


def to_json_lines(predictions: Iterable[Any]) -> bytes:
    """Write a prediction a line."""
    return b"".join(
        orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY) for item in predictions
    )


def named(header: List[str]) -> List[str]:
    """The columns' names in a header; those without one are called as pandas calls them in training."""
    return [name or f"Unnamed: {at}" for at, name in enumerate(header)]


def _is_header(line: List[str], signature: Signature) -> bool:
    required = {column.name for column in signature.columns if not column.nullable}
    return required <= {*line} <= {*signature.names, *signature.unused} and len(line) == len({*line})


def value(cell: str, column: Optional[Column], spellings: frozenset[str]) -> Any:
    """What a cell says, for its column, in the types of JSON."""
    if column is None or column.text:
        return cell
    cell = cell.strip()
    if not cell or cell in spellings:
        return None
    if column.form is not None:
        return cell
    if column.datatype == "BOOL":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    return number(cell)


def number(text: str) -> Any:
    """The number that text says, or the text where it says none. Python takes 1_000 for one, and no file does."""
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text
