"""Rows of a signature as JSON, and answers as the protocol's tensors. Not here: requests and their mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .dates import Dates
from .signature import Column, Signature, Tensor

if TYPE_CHECKING:
    from .signature import Input

#: Datatypes of the Open Inference Protocol by numpy's kind of array.
_DATATYPES = {"b": "BOOL", "U": "BYTES", "O": "BYTES", "S": "BYTES"}


def to_json(signature: Signature, X: Any) -> list[Any]:
    """Rows as a client writes them: lists where all columns are numbers, else records."""
    if signature.tensor:
        found: list[Any] = X.tolist()
        return found
    rows: list[Any] = [
        [as_sent(column, value) for column, value in zip(signature.columns, row)]
        for row in np.asarray(X, dtype=object).tolist()
    ]
    return rows if signature.numeric else [dict(zip(signature.names, row)) for row in rows]


def as_sent(column: Column, value: Any) -> Any:
    """A value of a column, as it is in the signature's form, as a client sends it; None where it is missing."""
    if value is None or value != value:
        return None
    if isinstance(column.form, Dates):
        return column.form.write(value)
    return bool(value) if column.datatype == "BOOL" else value


def from_json(signature: Signature, rows: list[Any]) -> Input:
    """The rows that `to_json` wrote, in the signature's form."""
    if isinstance(rows[0], dict):
        rows = [[row[name] for name in signature.names] for row in rows]
    return signature.conform(rows)


def tensor_of(name: str, values: np.ndarray) -> Tensor:
    """What an answer of [rows, ...] looks like, for any number of rows."""
    kind = values.dtype.kind
    width = 8 * values.dtype.itemsize
    datatype = _DATATYPES.get(kind) or {"i": "INT", "u": "UINT", "f": "FP"}[kind] + str(width)
    return Tensor(name, datatype, (-1, *values.shape[1:]))
