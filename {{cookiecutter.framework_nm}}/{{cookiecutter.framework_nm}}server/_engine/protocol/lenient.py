"""What `--lenient` lets pass: numbers written as text, and columns that the model does not have, which are left out.

A column that is missing, where training saw no missing values, stays a mistake: no model learnt what to answer.
"""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

from ..contract.signature import Column, Signature
from .lines import number
from .tensors import NamedArray


def rows(signature: Signature, given: List[Any]) -> List[Any]:
    """Rows as they stand in JSON, without what is let pass. Those of tensors come back as they are."""
    if signature.tensor:
        return given
    columns = {column.name: column for column in signature.columns}
    return [_row(signature, columns, row) for row in given]


def tensors(signature: Signature, given: List[NamedArray]) -> List[NamedArray]:
    """Tensors of columns, without what is let pass. A single one of all columns comes back as it is."""
    columns = {column.name: column for column in signature.columns}
    known = [item for item in given if item.name in columns]
    if not known or signature.tensor:
        return given
    return [_tensor(signature, columns[item.name], item) for item in known]


def _row(signature: Signature, columns: Dict[str, Column], row: Any) -> Any:
    if isinstance(row, dict):
        return {name: _cell(signature, columns[name], value) for name, value in row.items() if name in columns}
    if isinstance(row, list):
        cells = [_cell(signature, column, value) for column, value in zip(signature.columns, row)]
        return cells + row[len(cells) :]
    return row


def _cell(signature: Signature, column: Column, value: Any) -> Any:
    if column.datatype != "FP64" or column.form is not None or not isinstance(value, str):
        return value
    value = value.strip()
    return None if not value or value in signature.spellings else number(value)


def _tensor(signature: Signature, column: Column, item: NamedArray) -> NamedArray:
    if column.datatype != "FP64" or column.form is not None or item.datatype != "BYTES":
        return item
    cells = [_cell(signature, column, value) for value in item.values.ravel().tolist()]
    if any(isinstance(cell, str) for cell in cells):
        return item
    values = np.array([np.nan if cell is None else cell for cell in cells], np.float64)
    return NamedArray(item.name, "FP64", values.reshape(item.values.shape))
