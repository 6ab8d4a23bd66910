"""Pieces of a large request's JSON: lists of some of its values, and the elements of one tensor among them.

Not here: how a body is cut into pieces, and what they add up to.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import msgspec
import numpy as np
import orjson

from . import plain
from .inputs import elements, flattened, misshapen
from .slices import NotPlain
from .tensors import DATATYPES, InvalidRequest, as_datatype

_FLAT: Dict[type, Any] = {
    float: msgspec.json.Decoder(List[Optional[float]]),
    int: msgspec.json.Decoder(List[Optional[int]]),
    bool: msgspec.json.Decoder(List[Optional[bool]]),
}


class Reading:
    """Reads the elements of a tensor in JSON, which is `nested` or not."""

    def __init__(self, item: Any, columns: List[str], nested: bool) -> None:
        self._item = item
        self._columns = columns
        self.nested = nested
        kind = DATATYPES[item.datatype][1]
        self._flat = None if nested else _FLAT[kind]
        self._floats = kind is float
        self._width = item.shape[1] if len(item.shape) == 2 else None

    def part(self, piece: bytes, first: int) -> np.ndarray:
        """Some elements, from the one numbered `first` on. Raises Misfit."""
        if len(self._item.shape) > 1 and self.nested != (piece.find(b"[", 1) >= 0):
            loads(piece)
            raise misshapen(self._item)
        values = plain.numbers(piece, self._width) if self._floats else None
        if values is not None:
            return as_datatype(values.ravel(), self._item.datatype)
        if self._flat is not None:
            try:
                return elements(self._item, self._flat.decode(piece), self._columns, first)
            except (msgspec.MsgspecError, RecursionError):
                pass
        flat = flattened(self._item, loads(piece), self._columns, first)
        return elements(self._item, flat, self._columns, first)


def loads(piece: bytes) -> List[Any]:
    """A piece's items. Raises NotPlain where it is no JSON."""
    try:
        items: List[Any] = orjson.loads(piece)
    except ValueError as error:
        raise unreadable(error.args[0].partition(": line")[0]) from None
    return items


def unreadable(reason: str) -> NotPlain:
    """What is raised where a body cannot be read for this reason."""
    return NotPlain(InvalidRequest(f"the body cannot be read: {reason}"))
