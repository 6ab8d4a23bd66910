"""Columns of a table as a report shows them: no text that fewer than `min_count` rows share, and rounded quantiles."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np
import pandas as pd

from ..contract.privacy import rounded
from ..contract.rows import as_sent
from ..contract.signature import Column as Learnt
from ..contract.signature import Signature
from .contents import Column

QUANTILES = (0.1, 0.5, 0.9)
#: Texts that are named of a column, and how long each may be, at most.
NAMED, LONGEST = 3, 60


def describe(signature: Signature, X: Any, min_count: int) -> List[Column]:
    """Describe the columns of rows in the signature's form; by the signature alone, where X is None."""
    if X is None or signature.tensor:
        return [Column(column.name, column.kind, 0, 0) for column in signature.columns]
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    return [_describe(column, table.iloc[:, at], min_count) for at, column in enumerate(signature.columns)]


def _describe(column: Learnt, values: pd.Series, min_count: int) -> Column:
    known = values.dropna()
    name, missing, distinct = column.name, len(values) - len(known), int(known.nunique())
    if column.datatype != "FP64":
        said = known if column.text else known.map(lambda value: _said(as_sent(column, value)))
        return Column(name, column.kind, missing, distinct, frequent=_frequent(said, min_count))
    quantiles = None
    if len(known) >= min_count:
        quantiles = tuple(rounded(value) for value in np.quantile(known.astype(np.float64), QUANTILES))
    return Column(name, column.kind, missing, distinct, quantiles)


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _frequent(known: pd.Series, min_count: int) -> Tuple[Tuple[str, int], ...]:
    counts = known.value_counts().iloc[:NAMED]
    return tuple((str(text)[:LONGEST], int(rows)) for text, rows in counts.items() if rows >= min_count)
