"""How a column spells its truth values, where it has no true and false: yes and no, T and F.

Not here: 0 and 1, which are numbers.
"""

from __future__ import annotations

from typing import Optional, Sequence

import msgspec

_PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"))


class Truths(msgspec.Struct, frozen=True, tag_field="form", tag="truths"):
    """A spelling of truth values, in letters of any case."""

    true: str
    false: str

    @property
    def plain(self) -> bool:
        """Whether a program reads it, too."""
        return self.true == "true"

    @property
    def expected(self) -> str:
        """What a client sends."""
        return f"true or false, or the text {self.example} or {self.false}"

    @property
    def example(self) -> str:
        return self.true

    def read(self, text: str) -> Optional[float]:
        """1 for true, 0 for false, None for what is neither."""
        return {self.true: 1.0, self.false: 0.0}.get(text.strip().lower())


def candidates(cells: Sequence[str]) -> list[Truths]:
    """The spellings of which cells have both values."""
    found = {cell.strip().lower() for cell in cells}
    return [Truths(*pair) for pair in _PAIRS if found.issuperset(pair)]
