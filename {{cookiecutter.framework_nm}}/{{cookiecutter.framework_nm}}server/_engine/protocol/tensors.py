"""Tensors of the Open Inference Protocol: their datatypes, and reading them from JSON and from bytes.

Knows tensors one by one; how they make up a model's input is a matter of requests.py.
Source: https://github.com/kserve/open-inference-protocol and its binary tensor extension.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Union

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
_NAMES = {np.dtype(dtype): name for name, (dtype, _) in DATATYPES.items()}
_RANK = 8  # numpy stops at 64, and no model begins there
_LENGTH = struct.Struct("<I")  # what stands before each string of a binary tensor
_LONGEST_MESSAGE = 2000  # bytes; percent-encoded, as in gRPC's metadata, three times as many


def carried(message: str) -> str:
    """A message for a client, of a length that headers can carry, as gRPC's do: what it repeats may have any."""
    encoded = message.encode(errors="replace")
    if len(encoded) <= _LONGEST_MESSAGE:
        return message
    return encoded[: _LONGEST_MESSAGE - 3].decode(errors="ignore") + "..."


class InvalidRequest(ValueError):
    """A request that does not fit the model. The message is for the client, and of a length that headers can carry."""

    def __init__(self, message: str) -> None:
        super().__init__(carried(message))


class NamedArray(NamedTuple):
    """One V2 input tensor, decoded."""

    name: str
    datatype: str
    values: np.ndarray


class InputTensor(msgspec.Struct, forbid_unknown_fields=True):
    """One V2 input tensor, as it is written in a request."""

    name: str
    shape: List[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: Optional[Dict[str, Any]] = None


def _flat_tensor(datatype: str) -> Any:
    element: Any = Optional[DATATYPES[datatype][1]]
    fields: list[Any] = [
        ("name", str),
        ("shape", List[int]),
        ("data", Optional[List[element]], None),
        ("parameters", Optional[Dict[str, Any]], None),
    ]
    namespace = {"datatype": datatype}
    return msgspec.defstruct(datatype, fields, tag_field="datatype", namespace=namespace, forbid_unknown_fields=True)


#: The same with flat data, a type for each datatype: its elements are decoded and checked in one go.
FlatTensor: Any = Union.__getitem__(tuple(_flat_tensor(datatype) for datatype in DATATYPES))


def floats(values: Iterable[Optional[float]], count: int) -> np.ndarray:
    """So many numbers as an array, missing ones as NaN. numpy takes twice as long over a list, and looks at each twice.

    Raises TypeError where one is no number.
    """
    items = tuple(values)
    found = np.empty(count)
    try:
        struct.pack_into(f"{count}d", found.data, 0, *items)
    except struct.error:  # one of them is missing
        return np.array(items, dtype=np.float64)
    return found


def as_datatype(values: np.ndarray, datatype: str) -> np.ndarray:
    """Numbers as a datatype of floating point. What is too large becomes infinite: it is refused later, by its row."""
    with np.errstate(over="ignore"):
        return values.astype(DATATYPES[datatype][0], copy=False)


def datatype_of(values: np.ndarray) -> str:
    """The protocol's name for an array's datatype."""
    return _NAMES.get(values.dtype, "BYTES")


def check(name: str, datatype: str, shape: list[int]) -> None:
    """Raise InvalidRequest where the protocol has no such datatype, or a tensor no such shape."""
    if datatype not in DATATYPES:
        raise InvalidRequest(f"input {name!r}: no datatype {datatype!r}; there are {', '.join(DATATYPES)}")
    if len(shape) > _RANK or any(not 0 <= size < 2**31 for size in shape):
        raise InvalidRequest(
            f"input {name!r}: expected a shape of at most {_RANK} sizes, none of them negative, got {show(shape[:9])}"
        )


def from_bytes(name: str, datatype: str, raw: memoryview | bytes) -> np.ndarray:
    """Read a binary tensor, flat; numbers are not copied. Raises InvalidRequest."""
    dtype, kind = DATATYPES[datatype]
    if kind is not str:
        if len(raw) % np.dtype(dtype).itemsize:
            raise InvalidRequest(f"input {name!r}: {len(raw)} bytes are not a whole number of {datatype} values")
        return np.frombuffer(raw, dtype)
    # Slices and no call of ours for a string: there can be a million of them.
    raw, strings, start = bytes(raw), [], _LENGTH.size
    while start <= len(raw):
        end = start + _LENGTH.unpack_from(raw, start - _LENGTH.size)[0]
        if end > len(raw):
            break
        strings.append(raw[start:end])
        start = end + _LENGTH.size
    if start != len(raw) + _LENGTH.size:
        raise InvalidRequest(f"input {name!r}: the bytes end in the middle of string {len(strings)}")
    return texts(name, strings)


def texts(name: str, strings: Iterable[bytes]) -> np.ndarray:
    """Read elements of a BYTES tensor, flat. Raises InvalidRequest where one is not UTF-8."""
    try:
        return np.array([string.decode() for string in strings], dtype=object)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"input {name!r}: expected UTF-8 text: {error}") from None


def to_bytes(values: np.ndarray) -> bytes:
    """Write a binary tensor."""
    if datatype_of(values) != "BYTES":
        return values.tobytes()
    strings = list(map(str, values.ravel().tolist()))
    written = {}  # labels are few, however many the rows
    for string in set(strings):
        encoded = string.encode()
        written[string] = _LENGTH.pack(len(encoded)) + encoded
    return b"".join(map(written.__getitem__, strings))


def show(value: Any) -> str:
    """A value of a request as it may stand in a message: as JSON, and short."""
    try:
        shown = orjson.dumps(value).decode()
    except (TypeError, RecursionError):  # too large or too deep for JSON
        return f"a {type(value).__name__} that is too large or too deep"
    return shown if len(shown) <= 60 else shown[:57] + "..."
