"""Promises of how large JSON is cut: slices are short, whatever its lists hold, and nothing of it is lost."""

from __future__ import annotations

import pytest
from _engine.protocol.slices import SLICE, Region, cut

ROWS = {
    "numbers": (b"1.25", 0),
    "rows": (b"[5.1,3.5, 1.4,0.2]", 1),
    "rows of tensors": (b"[[1.5,2.5] ,[3.5,4.5]]", 2),
    "lists in place of numbers": (b"[1]", 0),
    "lists in place of a row's numbers": (b"[[1],[2],[3],[4],[5],[6],[7]]", 1),
    "rows in place of tensors": (b"[1,2]", 2),
    "tensors in place of rows": (b"[[[1,2],[3]],[[4,5],[6]]]", 1),
}


@pytest.mark.parametrize("kind", ROWS)
def test_slices_are_short_and_together_the_list(kind: str) -> None:
    """A slice that were long would keep the event loop from all others while it is read."""
    row, depth = ROWS[kind]
    body = b"[" + b",".join([row] * (4_000_000 // len(row))) + b"]"
    pieces = list(cut(body, Region(0, len(body)), depth))
    assert max(map(len, pieces)) < SLICE + 100
    assert b"[" + b",".join(piece[1:-1] for piece in pieces) + b"]" == body


def test_a_row_that_is_longer_than_a_slice_is_whole() -> None:
    row = b"[" + b",".join([b"[1.5]"] * SLICE) + b"]"
    body = b"[" + b",".join([b"[1]", row, b"[2]"]) + b"]"
    assert row in b"".join(cut(body, Region(0, len(body)), 1, 1000))
    assert len(list(cut(body, Region(0, len(body)), 1, 1000))) > 1
