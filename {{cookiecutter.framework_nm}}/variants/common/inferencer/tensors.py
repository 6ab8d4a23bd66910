"""Tensors of the Open Inference Protocol: their datatypes, and reading them from JSON and from bytes.

Knows tensors one by one; how they make up a model's input is codec.py's matter.
Source: https://github.com/kserve/open-inference-protocol and its binary tensor extension.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple, Optional

import msgspec
import numpy as np
import orjson

#: The protocol's datatypes: numpy's dtype, and the type of an element in JSON.
DATATYPES: dict[str, tuple[Any, type]] = {
    "BOOL": (np.bool_, bool),
    **{
        f"{kind.upper()}{bits}": (np.dtype(f"{kind}{bits}"), int)
        for kind in ("int", "uint")
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": (np.dtype(f"float{bits}"), float) for bits in (16, 32, 64)},
    "BYTES": (np.object_, str),
}


class InvalidRequest(ValueError):
    """A request that does not fit the model. The message is for the client."""


class NamedArray(NamedTuple):
    """One V2 input tensor, decoded."""

    name: str
    datatype: str
    values: np.ndarray


class InputTensor(msgspec.Struct):
    """One V2 input tensor, as it is written in a request."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: Optional[dict[str, Any]] = None


def no_datatype(name: str, datatype: str) -> InvalidRequest:
    """The error for a datatype that the protocol does not have."""
    return InvalidRequest(f"input {name!r}: no datatype {datatype!r}; there are {', '.join(DATATYPES)}")


def datatype_of(values: np.ndarray) -> str:
    """The protocol's name for an array's datatype."""
    return next((name for name, (dtype, _) in DATATYPES.items() if values.dtype == dtype), "BYTES")


def read_tensors(inputs: list[InputTensor], tail: memoryview) -> list[NamedArray]:
    """Read a request's tensors; `tail` holds the binary ones, in order. Raises InvalidRequest."""
    tensors, offset = [], 0
    for item in inputs:
        if item.datatype not in DATATYPES:
            raise no_datatype(item.name, item.datatype)
        if any(size < 0 for size in item.shape):
            raise InvalidRequest(f"input {item.name!r}: a shape has no negative sizes, got {item.shape}")
        size = (item.parameters or {}).get("binary_data_size")
        if size is None:
            values = _from_json(item)
        else:
            if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(tail) - offset:
                raise InvalidRequest(
                    f"input {item.name!r}: binary_data_size is {show(size)}, "
                    f"and {len(tail) - offset} bytes are left in the body"
                )
            values = from_bytes(item.name, item.datatype, tail[offset : offset + size])
            offset += size
        if values.size != math.prod(item.shape):
            raise InvalidRequest(f"input {item.name!r}: shape {item.shape} does not hold {values.size} values")
        if values.ndim > 1 and list(values.shape) != item.shape:
            raise InvalidRequest(f"input {item.name!r}: shape {item.shape} and data of shape {list(values.shape)}")
        tensors.append(NamedArray(item.name, item.datatype, values.reshape(item.shape)))
    if offset != len(tail):
        raise InvalidRequest(f"{len(tail) - offset} bytes follow the last input; does each have its binary_data_size?")
    return tensors


_FLAT: dict[type, Any] = {kind: msgspec.json.Decoder(list[Optional[kind]]) for kind in (bool, int, float, str)}  # type: ignore[valid-type]


def _from_json(item: InputTensor) -> np.ndarray:
    dtype, kind = DATATYPES[item.datatype]
    data = bytes(item.data)
    if not data:
        raise InvalidRequest(f'input {item.name!r} has no "data"')
    try:
        decoded: Any = _FLAT[kind].decode(data)
    except msgspec.MsgspecError as error:
        nested: Any = kind
        for _ in item.shape:
            nested = list[nested if nested is not kind else Optional[kind]]  # type: ignore[misc]
        try:
            decoded = msgspec.json.decode(data, type=nested)
        except (msgspec.MsgspecError, RecursionError):
            raise InvalidRequest(f"input {item.name!r}, data: {error}") from None
    try:
        if kind is float:
            return np.array(decoded, dtype=np.float64).astype(dtype, copy=False)
        if any(value is None for value in _flatten(decoded)) and kind is not str:
            raise InvalidRequest(f"input {item.name!r}: a gap (null) fits in floating point and BYTES tensors only")
        return np.array(decoded, dtype=dtype)
    except (OverflowError, ValueError) as error:
        if isinstance(error, InvalidRequest):
            raise
        raise InvalidRequest(f"input {item.name!r}, data: {error}") from None


def _flatten(data: Any) -> Any:
    for item in data:
        if isinstance(item, list):
            yield from _flatten(item)
        else:
            yield item


def from_bytes(name: str, datatype: str, raw: memoryview | bytes) -> np.ndarray:
    """Read a binary tensor, flat; numbers are not copied. Raises InvalidRequest."""
    dtype, kind = DATATYPES[datatype]
    if kind is not str:
        if len(raw) % np.dtype(dtype).itemsize:
            raise InvalidRequest(f"input {name!r}: {len(raw)} bytes are no whole number of {datatype} values")
        return np.frombuffer(raw, dtype)
    values: list[str] = []
    offset = 0
    while offset < len(raw):
        end = offset + 4
        if end <= len(raw):
            end += struct.unpack_from("<I", raw, offset)[0]
        if end > len(raw):
            raise InvalidRequest(f"input {name!r}: the bytes end in the middle of string {len(values)}")
        values.append(text(name, bytes(raw[offset + 4 : end])))
        offset = end
    return np.array(values, dtype=object)


def text(name: str, raw: bytes) -> str:
    """Read one BYTES element. Raises InvalidRequest where it is not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"input {name!r}: expected UTF-8 text: {error}") from None


def to_bytes(values: np.ndarray) -> bytes:
    """Write a binary tensor."""
    if datatype_of(values) != "BYTES":
        return values.tobytes()
    strings = [str(value).encode() for value in values.ravel()]
    return b"".join(part for string in strings for part in (struct.pack("<I", len(string)), string))


def show(value: Any) -> str:
    """A value of a request as it may stand in a message: as JSON, and short."""
    shown = orjson.dumps(value).decode()
    return shown if len(shown) <= 60 else shown[:57] + "..."
