"""The inputs of a V2 request, one by one: their values in JSON, flat and nested, and in bytes.

How they make up a model's input is a matter of requests.py.
"""

from __future__ import annotations

import math
from typing import Any, Optional

import msgspec
import numpy as np
import orjson

from .tensors import DATATYPES, InvalidRequest, NamedArray, as_datatype, check, floats, from_bytes, show


class Tail:
    """The binary tensors of a request, which follow its JSON in their order."""

    def __init__(self, content: memoryview) -> None:
        self._left = content

    def read(self, item: Any) -> Optional[np.ndarray]:
        """The values of the next tensor, flat, or None where it is not binary. Raises InvalidRequest."""
        size = (item.parameters or {}).get("binary_data_size")
        if size is None:
            return None
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(self._left):
            raise InvalidRequest(
                f"input {item.name!r}: binary_data_size is {show(size)}, "
                f"and {len(self._left)} bytes are left in the body"
            )
        values = from_bytes(item.name, item.datatype, self._left[:size])
        self._left = self._left[size:]
        return values

    def end(self) -> None:
        """Raise InvalidRequest where more follows."""
        if self._left:
            raise InvalidRequest(f"{len(self._left)} bytes follow the last input; does each have its binary_data_size?")


def read_tensors(inputs: list[Any], tail: memoryview, columns: list[str]) -> list[NamedArray]:
    """Read a request's tensors, flat or not; `tail` holds the binary ones, in order, `columns` are for messages.

    Raises InvalidRequest.
    """
    tensors, binary = [], Tail(tail)
    for item in inputs:
        check(item.name, item.datatype, item.shape)
        values = binary.read(item)
        tensors.append(named(item, _from_json(item, columns) if values is None else values))
    binary.end()
    return tensors


def named(item: Any, values: np.ndarray) -> NamedArray:
    """A tensor of these values, which are flat. Raises InvalidRequest where its shape does not hold as many."""
    if values.size != math.prod(item.shape):
        raise InvalidRequest(f"input {item.name!r}: shape {item.shape} does not hold {values.size} values")
    return NamedArray(item.name, item.datatype, values.reshape(item.shape))


class Misfit(InvalidRequest):
    """Elements that do not fit. Of several in one tensor, a client is told of the one with the least `order`."""

    def __init__(self, order: int, message: str) -> None:
        super().__init__(message)
        self.order = order


def _from_json(item: Any, columns: list[str]) -> np.ndarray:
    if not item.data:
        raise InvalidRequest(f'input {item.name!r} has no "data"')
    if not isinstance(item.data, msgspec.Raw):
        return elements(item, item.data, columns)
    try:
        decoded: Any = orjson.loads(bytes(item.data))
    except ValueError as error:
        raise InvalidRequest(f"input {item.name!r}, data: {error}") from None
    if not isinstance(decoded, list):
        raise InvalidRequest(f"input {item.name!r}, data: expected a list, got {show(decoded)}")
    return elements(item, flattened(item, decoded, columns), columns)


def elements(item: Any, decoded: list[Any], columns: list[str], first: int = 0) -> np.ndarray:
    """A tensor's elements of JSON as its datatype, from the one numbered `first` on. Raises Misfit."""
    dtype, kind = DATATYPES[item.datatype]
    if kind is float:
        return as_datatype(floats(decoded, len(decoded)), item.datatype)
    if kind is not str and None in decoded:
        if kind is bool:
            return np.array(decoded, dtype=object)
        raise Misfit(2, f"input {item.name!r}: a missing value (null) does not fit into {item.datatype}")
    if kind is int:
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        # Not left to numpy: before 2.0 it takes a number that does not fit, and changes it.
        if min(decoded, default=0) < least or max(decoded, default=0) > most:
            index = next(i for i, value in enumerate(decoded) if not least <= value <= most)
            raise Misfit(3, _misfit(item, first + index, decoded[index], columns))
    return np.array(decoded, dtype=dtype)


def misshapen(item: Any) -> Misfit:
    """What is wrong with nested data whose lists are not as long as the shape says."""
    return Misfit(0, f"input {item.name!r}: the data's lists are not of the shape {item.shape}")


def flattened(item: Any, decoded: list[Any], columns: list[str], first: int = 0) -> list[Any]:
    """Flatten nested data of a tensor, from its element numbered `first` on, and look at each. Raises Misfit."""
    _, kind = DATATYPES[item.datatype]
    if any(isinstance(value, list) for value in decoded):
        for size in item.shape[1:]:
            if any(not isinstance(value, list) or len(value) != size for value in decoded):
                raise misshapen(item)
            decoded = [value for values in decoded for value in values]
    for index, value in enumerate(decoded):
        fits = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
        if value is not None and not (fits and isinstance(value, bool) == (kind is bool)):
            raise Misfit(1, _misfit(item, first + index, value, columns))
    return decoded


def _misfit(item: Any, index: int, value: Any, columns: list[str]) -> str:
    """Say which element of a tensor does not fit, by row and column."""
    width = max(math.prod(item.shape[1:]), 1)
    row, position = divmod(index, width)
    where = repr(item.name) if width == 1 else repr(columns[position]) if width == len(columns) else str(position)
    return f"input {item.name!r}, row {row}, column {where}: expected {item.datatype}, got {show(value)}"
