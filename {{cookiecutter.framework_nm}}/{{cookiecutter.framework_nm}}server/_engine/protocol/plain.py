"""Bodies of many plain numbers, parsed without looking at each of them.

What is read is what requests.py reads, bit by bit. Whatever is not plain, a mistake among it, is left to requests.py:
nothing is refused here. simdjson makes no object of a number; it is not there for every Python, and orjson, with
`struct`, takes twice as long.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Callable, List, Optional, Tuple

import msgspec
import numpy as np
import orjson

from .slices import count
from .tensors import DATATYPES, InputTensor, as_datatype

#: Makes what parses JSON without an object for each number.
new_parser: Optional[Callable[[], Any]]
try:
    import simdjson

    new_parser = simdjson.Parser
except ImportError:
    new_parser = None

#: Bytes of a body from which on it is worth being looked at.
MANY = 16_384

#: How bodies begin whose rows, or whose one tensor, are numbers; and how a list of numbers does, or of rows of them.
_ROWS = re.compile(rb'\s*\{\s*"instances"\s*:\s*\[\s*\[\s*[-0-9]')
_TENSOR = re.compile(rb'\s*\{[^{}\[\]]{0,200}"inputs"\s*:\s*\[\s*\{[^{}]{0,500}"data"\s*:\s*\[[\s\[]*[-0-9]')
_LIST = re.compile(rb"\[[\s\[]*[-0-9]")
#: A letter of each word that could stand in place of a number: true, false, null. To look for a word takes longer.
_LETTERS = (b"u", b"l")


class _NotPlain(Exception):
    """A text has something else in it than numbers."""


#: What is raised where a text is not of the form that it is read for, whichever parser reads it.
_OTHER_FORM = (_NotPlain, LookupError, TypeError, ValueError, msgspec.ValidationError)


def rows(text: bytes, width: int) -> Optional[np.ndarray]:
    """The rows of V1's `{"instances": [[number, ...], ...]}`, [rows, width]; None where the body is another one."""
    try:
        content = _parsed(text, _ROWS)
        return _values(text, content["instances"], width) if [*content] == ["instances"] else None
    except _OTHER_FORM:
        return None


def tensor(text: bytes) -> Optional[Tuple[InputTensor, np.ndarray, Optional[str]]]:
    """The one input of a V2 request that has nothing else but an id, its values, flat, and the id; None where the body
    is another one.
    """
    try:
        content = _parsed(text, _TENSOR)
        if sorted(content) not in (["inputs"], ["id", "inputs"]) or not isinstance(content.get("id", ""), str):
            return None
        (item,) = content["inputs"]
        if sorted(item) != ["data", "datatype", "name", "shape"]:
            return None
        fields = {"name": item["name"], "shape": item["shape"][:], "datatype": item["datatype"]}
        described = msgspec.convert(fields, InputTensor)
        if DATATYPES[described.datatype][1] is not float:
            return None
        width = described.shape[1] if len(described.shape) == 2 else None
        values = _values(text, item["data"], width, besides=2)  # the inputs, and the shape
        return described, as_datatype(values.ravel(), described.datatype), content.get("id")
    except _OTHER_FORM:
        return None


def numbers(text: bytes, width: Optional[int] = None) -> Optional[np.ndarray]:
    """A list of numbers, [n], or of rows of them, [rows, width]; None where there is something else in it."""
    try:
        return _values(text, _parsed(text, _LIST), width)
    except _OTHER_FORM:
        return None


def _parsed(text: bytes, begins: re.Pattern[bytes]) -> Any:
    begin = begins.match(text)
    if not begin or any(text.find(letter, begin.end()) >= 0 for letter in _LETTERS):
        raise _NotPlain
    if new_parser is None:
        return orjson.loads(text)
    try:
        return new_parser().parse(text)  # whose objects have a name as often as it is there
    except RuntimeError:  # lists in lists in lists
        raise _NotPlain from None


def _values(text: bytes, items: Any, width: Optional[int], besides: int = 0) -> np.ndarray:
    """The numbers in a list of the text, [n], or in lists of so many there, [rows, width]. The text has so many lists
    besides.
    """
    lists = count(text, b"[") - besides
    if lists == 1:
        return _packed(items)
    if lists != 1 + len(items) or {*map(len, items)} != {width}:
        raise _NotPlain
    return _packed(items).reshape(len(items), -1)


def _packed(items: Any) -> np.ndarray:
    """Numbers, or lists of them, one after the other."""
    if new_parser:
        return np.frombuffer(items.as_buffer(of_type="d"))
    flat: List[Any] = items
    if isinstance(items[0], list):
        flat = []
        for row in items:
            flat += row
    found = np.empty(len(flat))
    try:
        struct.pack_into(f"{len(flat)}d", found.data, 0, *flat)
    except struct.error:  # a text, or an object
        raise _NotPlain from None
    return found
