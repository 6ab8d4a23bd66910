"""What a run has done: its finished parts, in OUT.partial until all are there, so that the next run goes on from them.

Not here: what is in a part.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import msgspec

from ..tables.files import DataError
from .places import Place, failing
from .sources import FORMATS
from .writing import join

# What begins so is no table for the programs that read folders of them.
_RUN = "_run.json"
_NOTE = "_part-"
_JOINED = "_joined"


class Part(msgspec.Struct):
    """A finished part: its rows, how many do not fit, and the first of those, from 0 on, with what is wrong with it."""

    rows: int
    wrong: int = 0
    first: Optional[Tuple[int, str]] = None


class Run:
    """The scores that go to `out`: one file where its name ends as a table's does, else a folder with a file a part.

    `asked` is what decides what the scores are: a run goes on only with the parts of one that was asked the same.
    """

    def __init__(self, out: Place, format: str, schema: Any, asked: Dict[str, Any]) -> None:
        self.out = out
        self.format = format
        self._schema = schema
        self._asked = asked
        self._partial = out.beside(".partial")

    def begin(self, restart: bool) -> Dict[int, Part]:
        """The parts that an earlier run has finished, by their numbers. Raises DataError where OUT is there, or where
        OUT.partial is another run's."""
        with failing(self.out):
            if restart and self._partial.exists:
                self._partial.remove()
            earlier = self._partial / _RUN
            if self.out.exists and not earlier.exists:
                raise DataError(f"{self.out.shown} exists: it is not overwritten; name another place, or remove it")
            asked = msgspec.json.encode(self._asked)
            if earlier.exists:
                self._check(msgspec.json.decode(earlier.read()))
                return self._finished()
            self._partial.store.create_dir(self._partial.path)
            earlier.write(asked)
            return {}

    def part(self, number: int) -> Place:
        """Where a part's rows are written."""
        return self._partial / f"part-{number:06d}.{self.format}"

    def note(self, number: int, part: Part) -> None:
        """Keep a part, whose rows are written."""
        (self._partial / _note(number)).write(msgspec.json.encode(part))

    def discard(self) -> None:
        """Forget all parts: their input, or what was asked of it, was wrong."""
        if self._partial.exists:
            self._partial.remove()

    def finish(self, numbers: List[int]) -> None:
        """Give the scores their name, once all parts are there."""
        with failing(self.out):
            if FORMATS.get(self.out.suffix):
                whole = self._partial / _JOINED
                join([self.part(number) for number in numbers], whole, self.format, self._schema)
                whole.move(self.out)
                self._partial.remove()
                return
            if not self.out.local:
                self._move_one_by_one(numbers)
                return
            self._partial.move(self.out)
            for name in (_RUN, *map(_note, numbers)):
                (self.out / name).delete()

    def _move_one_by_one(self, numbers: List[int]) -> None:
        """In a bucket a folder has no name of its own; _SUCCESS says that all are there, as other programs say it."""
        for number in numbers:
            part = self.part(number)
            if part.exists:  # unless an earlier run has moved it
                part.move(self.out / part.path.rpartition("/")[2])
        (self.out / "_SUCCESS").write(b"")
        self._partial.remove()

    def _finished(self) -> Dict[int, Part]:
        found = {}
        for file in self._partial.files():
            name = file.path.rpartition("/")[2]
            if name.startswith(_NOTE) and name.endswith(".json"):
                found[int(name[len(_NOTE) : -len(".json")])] = msgspec.json.decode(file.read(), type=Part)
        return found

    def _check(self, earlier: Dict[str, Any]) -> None:
        asked = msgspec.json.decode(msgspec.json.encode(self._asked))
        differ = [name for name in asked if earlier.get(name) != asked[name]]
        if differ:
            raise DataError(
                f"{self._partial.shown} holds parts of another run: {' and '.join(differ)} differ. Go on with what "
                "that run was given, or begin anew with --restart"
            )


def _note(number: int) -> str:
    return f"{_NOTE}{number:06d}.json"
