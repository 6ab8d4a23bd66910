"""input.json: a request of one row that works as it is, and shows no row of the data. Not here: decoding requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import msgspec
import numpy as np

from ..contract.dates import Dates, first_of_month
from ..contract.privacy import MIN_COUNT, rounded
from ..contract.rows import from_json, to_json
from ..contract.signature import Signature

FILE = "input.json"


def typical(signature: Signature, X: Any, min_count: int = MIN_COUNT) -> Any:
    """One row, in the signature's form: the middle of the rows of X, which is nobody's. Text and numbers that fewer
    than `min_count` rows share are not shown, but in their place "text", and rounded numbers.
    """
    import pandas as pd

    if signature.tensor:
        return np.median(X, axis=0, keepdims=True) if len(X) >= min_count else signature.blank()
    values = [
        _most_frequent(values, min_count) if column.text else _middle(values, min_count, column.form)
        for column, (_, values) in zip(signature.columns, pd.DataFrame(X).items())
    ]
    return signature.conform([values])


def request(signature: Signature, X: Any) -> bytes:
    """The request that asks for rows in the signature's form."""
    return msgspec.json.encode({"instances": to_json(signature, X)}) + b"\n"


def write(folder: Path, signature: Signature, X: Any) -> None:
    """Write the request that asks for rows."""
    (folder / FILE).write_bytes(request(signature, X))


def read(content: bytes, signature: Signature) -> Any:
    """The rows of the request, in the signature's form."""
    return from_json(signature, msgspec.json.decode(content)["instances"])


def _most_frequent(column: Any, min_count: int) -> Optional[str]:
    counts = column.value_counts()
    if counts.empty:
        return None
    return str(counts.index[0]) if counts.iloc[0] >= min_count else "text"


def _middle(column: Any, min_count: int, form: Any) -> float:
    value = float(column.quantile(interpolation="nearest"))
    if (column == value).sum() >= min_count or value != value:
        return value
    return first_of_month(value) if isinstance(form, Dates) else rounded(value)
