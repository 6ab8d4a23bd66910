"""Values of a column, one by one or all: what they are, and as numbers or text. Not here: columns and their forms."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def are_dates(values: pd.Series) -> bool:
    """Whether the values of a column, of which none is missing, are dates or times of pandas' or Python's."""
    import pandas as pd

    if values.dtype == object:
        return len(values) > 0 and all(isinstance(value, date) for value in values)
    return bool(pd.api.types.is_datetime64_any_dtype(values))


def numbers_of(items: Any, spellings: frozenset[str], numbers: list[float]) -> np.ndarray:
    """Numbers as float64, durations in seconds, missing values as NaN. Raises ValueError where there is other text
    among them."""
    if getattr(getattr(items, "dtype", None), "kind", "") == "m":
        items = np.asarray(items) / np.timedelta64(1, "s")
    try:
        values = np.asarray(items, np.float64)
    except (TypeError, ValueError):  # a TypeError, where pandas' NA is among them
        import pandas as pd

        values = np.array([np.nan if item is pd.NA or is_in(item, spellings) else item for item in items], np.float64)
    return np.where(np.isin(values, numbers), np.nan, values) if numbers else values


def text_of(items: Any, spellings: frozenset[str]) -> np.ndarray:
    """Text as str, missing values as None: one spelling of each, whatever the source spelled them."""
    import pandas as pd

    items = np.asarray(items, dtype=object)
    missing = pd.isna(items)
    texts = [None if absent else item if type(item) is str else _text(item) for item, absent in zip(items, missing)]
    return np.array([None if text in spellings else text for text in texts], object)


def _text(item: Any) -> str:
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


def like(numbers: np.ndarray, value: float) -> np.ndarray:
    return np.round(numbers) if value == np.round(value) else numbers


def is_in(value: Any, spellings: frozenset[str]) -> bool:
    return isinstance(value, str) and value in spellings


def is_finite(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
