"""Saying how far a run is, and what came of it. Not here: the run."""

from __future__ import annotations

import sys
import time
from typing import Optional

from .sources import Chunk, File
from .state import Part


class Progress:
    """Counts rows, shows on a terminal how far they are, and says at the end what they were."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._since = time.perf_counter()
        self._terminal = sys.stderr.isatty()
        self._file: Optional[File] = None
        self._before = 0
        self.rows = 0
        self.scored = 0
        self.wrong = 0
        #: Where the first row is that did not fit, and why.
        self.first = ""

    def add(self, chunk: Chunk, part: Part, again: bool) -> None:
        """Count a part; `again`, where it was finished by an earlier run."""
        if chunk.file != self._file:
            self._file, self._before = chunk.file, self.rows
        if part.first and not self.first:
            row, why = part.first
            at = self.rows - self._before + row + 1
            self.first = f"{chunk.file.place.shown}, row {at}: {why}"
        self.rows += part.rows
        self.wrong += part.wrong
        self.scored += 0 if again else part.rows
        if self._terminal:
            share = min(100, 100 * chunk.end // self._size)
            print(f"\r{share:3d} %  {self.rows:,} rows  {self._rate:,.0f} rows/s ", end="", file=sys.stderr, flush=True)

    @property
    def _rate(self) -> float:
        return self.scored / max(time.perf_counter() - self._since, 1e-9)

    def end(self) -> None:
        if self._terminal:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr)

    def said(self, out: str) -> str:
        """What came of the rows, in one line or two."""
        earlier = f", {self.rows - self.scored:,} of them by an earlier run" if self.rows > self.scored else ""
        lines = [f"{self.rows:,} rows are scored{earlier}, {self._rate:,.0f} a second: {out}"]
        if self.wrong:
            lines.append(f'{self.wrong:,} of them do not fit; the column "error" says why. The first is {self.first}')
        return "\n".join(lines)
