"""What a check found. Not here: how it is shown."""

from __future__ import annotations

from typing import NamedTuple, Tuple


class Finding(NamedTuple):
    """What is wrong, each with what to do; or, where that is nothing, what was found."""

    problems: Tuple[str, ...]
    found: str = ""


def fine(found: str) -> Finding:
    return Finding((), found)


def wrong(*problems: str) -> Finding:
    return Finding(problems)
