"""Bodies of many plain numbers, parsed without looking at each of them, which is a fourth of the time.

What is read is what requests.py reads, bit by bit. Whatever is not plain, a mistake among it, is left to requests.py:
nothing is refused here.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import numpy as np
import orjson

from .tensors import InputTensor

#: Bytes of a body from which on it is worth being looked at.
MANY = 16_384

#: How bodies begin whose rows, or whose one tensor, are numbers.
_ROWS = re.compile(rb'\s*\{\s*"instances"\s*:\s*\[\s*\[\s*[-0-9]')
_TENSOR = re.compile(rb'\s*\{[^{}\[\]]{0,200}"inputs"\s*:\s*\[\s*\{[^{}]{0,500}"data"\s*:\s*\[\s*[-0-9]')
#: A letter of each word that could stand in place of a number: true, false, null. To look for a word takes longer.
_LETTERS = (b"u", b"l")


def rows(text: bytes, width: int) -> Optional[np.ndarray]:
    """The rows of V1's `{"instances": [[number, ...], ...]}`, [rows, width]; None where the body is another one."""
    content = _content(text, _ROWS)
    if content is None or content.keys() != {"instances"}:
        return None
    found = content["instances"]
    if not isinstance(found, list) or {*map(type, found)} != {list} or {*map(len, found)} != {width}:
        return None
    flat: List[Any] = []
    for row in found:
        flat += row
    values = _packed(flat)
    return None if values is None else values.reshape(len(found), width)


def tensor(text: bytes) -> Optional[Tuple[InputTensor, np.ndarray, Optional[str]]]:
    """The one input of a V2 request that has nothing else but an id, its values, flat, and the id; None where the body
    is another one.
    """
    content = _content(text, _TENSOR)
    if content is None or not {"inputs"} <= content.keys() <= {"inputs", "id"}:
        return None
    inputs = content["inputs"]
    if not isinstance(inputs, list) or len(inputs) != 1:
        return None
    (item,) = inputs
    if not isinstance(item, dict) or not isinstance(content.get("id"), (str, type(None))):
        return None
    data = item.pop("data", None)
    try:
        described = msgspec.convert(item, InputTensor)
    except msgspec.ValidationError:
        return None
    if described.datatype != "FP64" or described.parameters or not isinstance(data, list):
        return None
    values = _packed(data)
    return None if values is None else (described, values, content.get("id"))


def _content(text: bytes, begins: re.Pattern[bytes]) -> Optional[Dict[str, Any]]:
    begin = begins.match(text)
    if not begin or any(text.find(letter, begin.end()) >= 0 for letter in _LETTERS):
        return None
    try:
        found: Dict[str, Any] = orjson.loads(text)
    except ValueError:
        return None
    return found


def _packed(values: List[Any]) -> Optional[np.ndarray]:
    found = np.empty(len(values))
    try:
        struct.pack_into(f"{len(values)}d", found.data, 0, *values)
    except struct.error:  # a text, or a list
        return None
    return found
