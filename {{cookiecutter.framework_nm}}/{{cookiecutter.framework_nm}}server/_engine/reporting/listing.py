"""Naming some of many things in a message. Not here: which message."""

from __future__ import annotations

from typing import Iterable, List


def some(texts: Iterable[str], most: int) -> str:
    """So many of the texts at most, and how many more there are: "a, b and 3 more"."""
    known: List[str] = list(texts)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
