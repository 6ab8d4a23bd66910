"""input.json: a request of one row that works as it is, and shows no row of the data. Not here: decoding requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import msgspec
import numpy as np

from ..contract.rows import from_json, to_json
from ..contract.signature import Signature

FILE = "input.json"


def typical(signature: Signature, X: Any) -> Any:
    """One row, in the signature's form: the middle of the rows of X. Text that occurs only once, as names do, is not
    shown.
    """
    import pandas as pd

    if signature.tensor:
        return np.median(X, axis=0, keepdims=True)
    values = [
        _most_frequent(column) if column.dtype == object else column.quantile(interpolation="nearest")
        for _, column in pd.DataFrame(X).items()
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


def _most_frequent(column: Any) -> Optional[str]:
    counts = column.value_counts()
    if counts.empty:
        return None
    return str(counts.index[0]) if counts.iloc[0] > 1 else "text"
