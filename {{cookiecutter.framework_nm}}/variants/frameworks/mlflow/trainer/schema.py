"""MLflow's types of columns, and those of this package; `prep_func` and `make_encoder` are in preprocessor.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import Column

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.types import Schema

#: MLflow's types of columns, as those of a signature here; it has others, which no table has.
DATATYPES: dict[str, Any] = {
    "boolean": "BOOL",
    "string": "BYTES",
    **dict.fromkeys(("integer", "long", "float", "double"), "FP64"),
}


def choose_types(X: np.ndarray | pd.DataFrame, columns: tuple[Column, ...]) -> dict[str, str]:
    """The type of each column of preprocessed input, by name: truth values get their own where none is missing."""
    if isinstance(X, np.ndarray):
        types = dict.fromkeys(_names([column.name for column in columns], X.shape[1]), "float64")
    else:
        types = {name: str(X[name].dtype) for name in X}
    truths = {column.name for column in columns if column.datatype == "BOOL" and not column.nullable}
    return {name: "bool" if name in truths else kind for name, kind in types.items()}


def read_schema(schema: Schema, names: list[str] | None) -> tuple[tuple[Column, ...], Any]:
    """The columns that an MLflow signature takes, and their types as `fitted.to_table` needs them.

    `names` are those of the columns of the user's data, for signatures without names. Raises ValueError where
    rows are of what neither a table nor a single tensor holds.
    """
    if schema.is_tensor_spec():
        tensor, *more = schema.inputs
        if more or tensor.type.kind not in "biuf" or len(tensor.shape) < 2 or -1 in tensor.shape[1:]:
            raise ValueError(f"the model takes {schema}; expected columns, or one tensor [-1, ...] of numbers")
        if len(tensor.shape) > 2:
            return (Column("input-0", "FP64", shape=tensor.shape[1:]),), str(tensor.type)
        width, types = tensor.shape[1], str(tensor.type)
    else:
        kinds = [getattr(column.type, "name", str(column.type)) for column in schema.inputs]
        strange = [f"{column.name!r} ({kind})" for column, kind in zip(schema.inputs, kinds) if kind not in DATATYPES]
        if strange:
            raise ValueError(f"the model takes {', '.join(strange)}; expected columns of {', '.join(DATATYPES)}")
        if schema.has_input_names():
            columns = [
                Column(column.name, DATATYPES[kind], nullable=not column.required)
                for column, kind in zip(schema.inputs, kinds)
            ]
            return tuple(columns), {column.name: np.dtype(column.type.to_pandas()).name for column in schema.inputs}
        width, types = len(kinds), "float64"
    return tuple(Column(name, "FP64") for name in _names(names, width)), types


def _names(known: list[str] | None, width: int) -> list[str]:
    """The names of so many columns: those that are known, if they are as many, or x0, x1, ..."""
    return known if known is not None and len(known) == width else [f"x{i}" for i in range(width)]
