"""Large JSON without reading it whole: where its lists of plain numbers are, and how they are cut into slices.

Pure functions of bytes. Not here: what the numbers mean, which is in large.py.
"""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from .tensors import InvalidRequest

#: Bytes of JSON that are decoded between two turns of the event loop, or little more.
SLICE = 200_000
#: Bytes of one row, from which on it is not looked for its end.
_LONGEST = 16_777_216

#: Bytes of a body besides its lists of numbers, from which on it is not taken for one of plain numbers.
_BESIDES = 1_000_000

#: What begins a list that may be large. A quote within a string has a backslash before it, so this is a name, or the
#: end of one that is not known.
_BEGINS = re.compile(rb'"(?:instances|data)"[ \t\r\n]*:[ \t\r\n]*(?=\[)')
_COMMA = re.compile(rb",")
_EMPTY = re.compile(rb"\[\s*\]")


class TooMuchText(InvalidRequest):
    """A body that is too large to be read whole, and cannot be read in slices."""


class NotPlain(Exception):
    """A body that has to be read whole; `instead` is what is wrong with it where it is too large for that."""

    def __init__(self, instead: InvalidRequest) -> None:
        super().__init__(str(instead))
        self.instead = instead


class Region(NamedTuple):
    """Where a list begins and ends in a text, brackets included."""

    start: int
    end: int


def without_lists(text: bytes) -> Optional[Tuple[bytes, List[Region]]]:
    """The text with a number in place of each list of plain numbers, and the lists, in the order of these numbers; None
    where there is too much besides.

    A list is plain without strings and objects, be it nested. Which of the numbers stand where a list is expected is
    the caller's to find out.
    """
    rest: List[bytes] = []
    regions: List[Region] = []
    position = size = 0
    while size <= _BESIDES:
        begins = _BEGINS.search(text, position, position + _BESIDES)
        if not begins:
            rest.append(text[position : position + _BESIDES + 1])
            return (b"".join(rest), regions) if size + len(rest[-1]) <= _BESIDES else None
        start = begins.end()
        stop = len(text)
        for other in (b'"', b"{", b"}"):
            found = text.find(other, start, stop)
            stop = stop if found < 0 else found
        end = text.rfind(b"]", start, stop) + 1
        rest.append(text[position:start])
        size += len(rest[-1])
        position = start
        if end:  # else there are strings or objects in it
            rest.append(b"%d" % len(regions))
            regions.append(Region(start, end))
            position = end
    return None


def count(text: bytes | memoryview, byte: bytes) -> int:
    """How often a byte is in a text; `bytes.count` takes five times as long."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(byte)))


def cut(text: bytes, region: Region, depth: int, size: int = SLICE) -> Iterator[bytes]:
    """The items of a list, some `size` bytes of whole items at a time, each a list of its own.

    `depth` is that of the lists which the items are expected to be, 0 for numbers. Raises NotPlain.
    """
    start, end = region.start + 1, region.end - 1
    closes = re.compile(rb"[ \t\r\n]*".join([rb"\]"] * depth + [rb","])) if depth else _COMMA
    view = memoryview(text)
    while True:
        stop = _stop(view, start, end, closes, size)
        piece = b"".join((b"[", view[start:stop], b"]"))
        if _EMPTY.fullmatch(piece):
            if stop == end and start == region.start + 1:
                return
            raise NotPlain(InvalidRequest("the body is not JSON: a comma with no value beside it"))
        yield piece
        if stop == end:
            return
        start = stop + 1


def _stop(text: memoryview, start: int, end: int, closes: re.Pattern[bytes], size: int) -> int:
    """Where the items from `start` on stop: at the comma before the next ones, or at the end."""
    wanted = size
    while wanted <= _LONGEST:
        least, most = start + wanted, min(start + 2 * wanted + 1000, end)
        if least >= end:
            return end
        comma = closes.search(text, least, most)
        if comma and _depth(text[start : comma.end()]) == 0:
            return comma.end() - 1
        stop = _between_items(text[least : min(most, least + SLICE)], _depth(text[start:least]))
        if stop is not None:
            return least + stop
        if most == end:
            return end
        wanted *= 2
    raise NotPlain(InvalidRequest(f"there is no end of a row within {_LONGEST} bytes: send it in V2's binary form"))


def _depth(text: memoryview) -> int:
    """How many of a text's lists have not ended in it."""
    return count(text, b"[") - count(text, b"]")


def _between_items(text: memoryview, depth: int) -> Optional[int]:
    """Where the first comma is that is in no list, in a text that begins in `depth` of them."""
    letters = np.frombuffer(text, np.uint8)
    steps = (letters == ord("[")).astype(np.int8) - (letters == ord("]")).astype(np.int8)
    found = np.flatnonzero((letters == ord(",")) & (depth + np.cumsum(steps, dtype=np.int32) == 0))
    return int(found[0]) if len(found) else None
