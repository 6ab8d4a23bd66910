"""V2 requests of few numbers, read as rows: an array for each of some numbers takes ten times as long.

What is read is what inputs.py and requests.py read, bit by bit. Whatever is unusual, a mistake among it, is left to
them: nothing is refused here.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Optional, Sequence, Tuple

#: Numbers that are looked at one by one sooner than an array is made of them, and looked at.
FEW = 64

#: The datatypes that are read here: the letters of `struct`, and bytes.
_KINDS: Dict[str, Tuple[str, int]] = {"FP64": ("d", 8), "FP32": ("f", 4)}

Row = Tuple[float, ...]


def rows(inputs: List[Any], tail: memoryview, names: List[str]) -> Optional[List[Row]]:
    """The rows of one matrix, or of an input for each of the columns `names`, all of them numbers; None where they are
    something else. `tail` holds binary values, in order. Missing values are None.
    """
    if len(inputs) == 1 and inputs[0].name not in names:
        return _of_matrix(inputs, tail, len(names))
    return _of_columns(inputs, tail, names) if len(inputs) == len(names) else None


def _of_matrix(inputs: List[Any], tail: memoryview, width: int) -> Optional[List[Row]]:
    shape = inputs[0].shape
    if len(shape) != 2 or shape[1] != width:
        return None
    read = _read(inputs, tail, shape[0], width)
    if read is None:
        return None
    (values,) = read
    return [tuple(values[first : first + width]) for first in range(0, len(values), width)]


def _of_columns(inputs: List[Any], tail: memoryview, names: List[str]) -> Optional[List[Row]]:
    count = inputs[0].shape[0] if inputs[0].shape else 0
    shapes = ([count], [count, 1])
    by_name = {item.name: at for at, item in enumerate(inputs)}
    if any(item.shape not in shapes for item in inputs) or any(name not in by_name for name in names):
        return None
    read = _read(inputs, tail, count, 1)
    return None if read is None else list(zip(*[read[by_name[name]] for name in names]))


def _read(inputs: List[Any], tail: memoryview, rows: int, width: int) -> Optional[List[Sequence[float]]]:
    """The values of each input, which has so many."""
    count = rows * width
    if not 0 < count * len(inputs) <= FEW or rows < 1:
        return None
    found: List[Sequence[float]] = []
    at = 0
    for item in inputs:
        kind = _KINDS.get(item.datatype)
        if kind is None:
            return None
        if item.parameters:
            size = count * kind[1]
            if not _is_binary(item.parameters, size) or at + size > len(tail):
                return None
            found.append(struct.unpack_from(f"={count}{kind[0]}", tail, at))
            at += size
        else:
            values = _listed(item.data, count, kind[0])
            if values is None:
                return None
            found.append(values)
    return found if at == len(tail) else None


def _is_binary(parameters: Dict[str, Any], size: int) -> bool:
    """Whether they say this size and nothing else."""
    told = parameters.get("binary_data_size")
    return told.__class__ is int and told == size and len(parameters) == 1


def _listed(data: Any, count: int, letter: str) -> Optional[Sequence[float]]:
    """The numbers of a list, or None; single ones as they are in single precision."""
    if data.__class__ is not list or len(data) != count:
        return None
    if letter == "d":
        values: Sequence[float] = data
        return values
    try:
        return struct.unpack(f"={count}f", struct.pack(f"={count}f", *data))
    except (struct.error, OverflowError):  # one is missing, or too large
        return None
