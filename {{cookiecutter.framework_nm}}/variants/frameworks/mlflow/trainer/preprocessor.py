"""What happens to the input before the model sees it, in training and in serving alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import Column

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.types import Schema
    from sklearn.base import TransformerMixin

#: MLflow's types of columns, as those of a signature here; it has more, of which no row of a table consists.
DATATYPES: dict[str, Any] = {
    "boolean": "BOOL",
    "string": "BYTES",
    **dict.fromkeys(("integer", "long", "float", "double"), "FP64"),
}


def prep_func(X: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Change the input before the MLflow model gets it; the place to derive columns from others.

    X has the columns of training, in their order, and any number of rows: a float64 array where all columns
    are numbers, else a DataFrame. Keep the rows, and let no row depend on another: requests are answered
    in batches. The MLflow model does not contain this function: what others who load it need as well, and what
    is learnt from data, belongs in `make_encoder`.
    """
    return X


def make_encoder(X: pd.DataFrame, gaps: bool, scale: bool) -> TransformerMixin:
    """Make the transformer, still to be fitted, that turns preprocessed input into numbers.

    `gaps` says that there can be some to fill; `scale`, that the numbers are to be of one size.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    steps = [SimpleImputer(keep_empty_features=True)] * gaps + [StandardScaler()] * scale
    numbers = make_pipeline(*steps or [FunctionTransformer()])
    text = list(X.select_dtypes(object))
    if not text:
        return numbers
    # Categories too rare to learn from share one column, and so do those that training never saw.
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=50, sparse_output=False
    )
    return make_column_transformer((numbers, [name for name in X if name not in text]), (categories, text))


def choose_types(X: np.ndarray | pd.DataFrame, columns: tuple[Column, ...]) -> dict[str, str]:
    """The type of each column of preprocessed input, by name: truth values get their own where there are no gaps."""
    if isinstance(X, np.ndarray):
        names = [column.name for column in columns]
        types = dict.fromkeys(names if len(names) == X.shape[1] else (f"x{i}" for i in range(X.shape[1])), "float64")
    else:
        types = {name: str(X[name].dtype) for name in X}
    truths = {column.name for column in columns if column.datatype == "BOOL" and not column.nullable}
    return {name: "bool" if name in truths else kind for name, kind in types.items()}


def read_schema(schema: Schema, names: list[str] | None) -> tuple[tuple[Column, ...], Any]:
    """The columns that an MLflow signature takes, and their types as `to_table` needs them.

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
    if names is None or len(names) != width:
        names = [f"x{i}" for i in range(width)]
    return tuple(Column(name, "FP64") for name in names), types


def to_table(X: np.ndarray | pd.DataFrame, types: dict[str, str] | str) -> np.ndarray | pd.DataFrame:
    """Preprocessed input as the MLflow model takes it: an array of one type, or a DataFrame with a type per column.

    Gaps are NaN, in text too, as pandas reads them from files; numbers and truth values with gaps are float64.
    """
    if isinstance(types, str):
        return np.asarray(X).astype(types)
    import pandas as pd

    columns = {}
    for at, (name, kind) in enumerate(types.items()):
        values = X[:, at] if isinstance(X, np.ndarray) else X[name].to_numpy()
        gaps = pd.isna(values)
        columns[name] = np.where(gaps, np.nan, values) if gaps.any() else values.astype(kind)
    return pd.DataFrame(columns)
