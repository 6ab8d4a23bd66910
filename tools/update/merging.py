"""What becomes of each file: the template's, the owner's, both merged, or both side by side. No edit is ever lost.

A plan is made first, of three trees: the project, what the template made of it then, and what it makes of it now. Not
here: where the trees come from, and what is said of the plan (updating.py).
"""

from __future__ import annotations

import enum
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakes import LARGEST, ORIGIN, digest_of, files_below
from projects import Project


class Kind(enum.Enum):
    """What becomes of a file, as the report says it."""

    CONFLICT = "you and the template changed the same lines; both are in the file, between <<<<<<< and >>>>>>>"
    BESIDE = "yours stays; the template's is beside it, as NAME.template"
    SAVED = "the template's now; yours is beside it, as NAME.yours"
    MERGED = "your edits and the template's are both in it"
    ORPHANED = "the template no longer has it; yours stays, because you edited it"
    ABSENT = "you removed it; the template has changed it since"
    ADDED = "new"
    RENEWED = "renewed"
    REMOVED = "the template no longer has it"


@dataclass(frozen=True)
class Change:
    """What becomes of one file, and its content then; None where it goes, or stays as it is."""

    name: str
    kind: Kind
    content: bytes | None = None


@dataclass
class Plan:
    """All changes, and the engine's files that the owner edited."""

    changes: list[Change] = field(default_factory=list)
    edited_engine: list[str] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[str]:
        """The names of files that something is to become of."""
        return [change.name for change in self.changes if change.kind in kinds]


class Planner:
    """Compares a project with what the template made of it then, if that is known, and makes of it now."""

    def __init__(self, project: Project, then: Path | None, now: Path) -> None:
        self.project, self.then, self.now = project, then, now
        self._before, self._after = _digests(then), _digests(now)

    def plan(self) -> Plan:
        """Decide on every file that the template makes, or made."""
        plan = Plan()
        for name in sorted({*self.project.recorded, *self._before, *self._after}):
            change = self._engine(name, plan) if name.startswith(self.project.engine) else self._other(name)
            if change:
                plan.changes.append(change)
        return plan

    def _mine(self, name: str) -> str | None:
        file = self.project.folder / name
        return digest_of(file) if file.is_file() else None

    def _templates(self, name: str) -> set[str]:
        """The digests that the file had when the template wrote it."""
        return {*([self.project.recorded[name]] if name in self.project.recorded else []), *self._before_of(name)}

    def _before_of(self, name: str) -> set[str]:
        return {self._before[name]} if name in self._before else set()

    def _engine(self, name: str, plan: Plan) -> Change | None:
        """The engine's is the template's. What the owner edited in it goes beside, if they say so."""
        mine, now = self._mine(name), self._after.get(name)
        if mine == now:
            return None
        if mine is None:
            return Change(name, Kind.ADDED, self._content(name))
        record = name == f"{self.project.engine}DIGESTS"
        if not record and mine not in self._templates(name):
            plan.edited_engine.append(name)
            return Change(name, Kind.SAVED, self._content(name))
        return Change(name, Kind.RENEWED if now else Kind.REMOVED, self._content(name))

    def _other(self, name: str) -> Change | None:
        mine, now, templates = self._mine(name), self._after.get(name), self._templates(name)
        if mine == now or now in templates:  # nothing to bring in
            return None
        if mine is None:
            return Change(name, Kind.ABSENT) if templates else Change(name, Kind.ADDED, self._content(name))
        if mine in templates and not (self.project.folder / name).is_symlink():
            return Change(name, Kind.RENEWED if now else Kind.REMOVED, self._content(name))
        if now is None:
            return Change(name, Kind.ORPHANED)
        # The parts of a model directory, and of a lock, fit each other only.
        if name == "requirements.lock" or name.startswith(f"{self.project.package}/example_models/"):
            return Change(name, Kind.SAVED, self._content(name))
        return self._merged(name) or Change(name, Kind.BESIDE, self._content(name))

    def _content(self, name: str) -> bytes | None:
        file = self.now / name
        return file.read_bytes() if file.is_file() else None

    def _merged(self, name: str) -> Change | None:
        """Merge three texts; None where one of them is none, or a link, or JSON, which markers would spoil."""
        file = self.project.folder / name
        if self.then is None or name not in self._before or name.endswith(".json") or file.is_symlink():
            return None
        if file.stat().st_size > LARGEST:
            return None
        mine, then, now = file.read_bytes(), (self.then / name).read_bytes(), (self.now / name).read_bytes()
        if b"\0" in mine + then + now:
            return None
        windows = b"\r\n" in mine
        merged = merge(mine.replace(b"\r\n", b"\n"), then, now)
        if merged is None:
            return None
        content, conflicts = merged
        kind = Kind.CONFLICT if conflicts else Kind.MERGED
        return Change(name, kind, content.replace(b"\n", b"\r\n") if windows else content)


def merge(mine: bytes, then: bytes, now: bytes) -> tuple[bytes, int] | None:
    """Merge what two made of one text, and count the conflicts; None where git cannot."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, label) for label in ("yours", "template then", "template now")]
        for file, content in zip(files, (mine, then, now)):
            file.write_bytes(content)
        labels = [word for file in files for word in ("-L", file.name)]
        run = subprocess.run(["git", "merge-file", "-p", *labels, *map(str, files)], capture_output=True, check=False)
    # The status is the number of conflicts, up to 127.
    return (run.stdout, run.returncode) if 0 <= run.returncode < 128 else None


def apply(plan: Plan, project: Project, now: Path) -> None:
    """Write the plan's changes into the project. Raises OSError where a file cannot be written."""
    for change in plan.changes:
        file = project.folder / change.name
        if change.kind is Kind.SAVED:
            file.rename(free_name(file, "yours"))
        if change.kind is Kind.BESIDE:
            file = free_name(file, "template")
        if change.kind is Kind.REMOVED:
            file.unlink()
            _remove_empty(file.parent, project.folder)
        elif change.content is not None:
            _write(file, change.content, like=now / change.name)


def _write(file: Path, content: bytes, like: Path) -> None:
    """Write a file anew: not through a link, and also where it may only be read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = (file if file.is_file() else like).stat().st_mode
    file.unlink(missing_ok=True)
    file.write_bytes(content)
    file.chmod(mode)


def free_name(file: Path, suffix: str) -> Path:
    """A name beside a file that no other has."""
    number = 1
    while True:
        found = file.with_name(f"{file.name}.{suffix}{number if number > 1 else ''}")
        if not found.exists():
            return found
        number += 1


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _digests(tree: Path | None) -> Mapping[str, str]:
    found = files_below(tree) if tree else []
    return {path.relative_to(tree).as_posix(): digest_of(path) for path in found if path.name != ORIGIN}
