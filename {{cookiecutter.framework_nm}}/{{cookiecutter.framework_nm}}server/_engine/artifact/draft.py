"""A model directory that is being written: `.0002.partial`, which becomes `0002` when it is complete.

Whoever writes it holds a lock, which the system frees when the process ends, however it ends. A draft without one was
left behind, and the next training decides what becomes of it. Not here: what a model directory holds.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: Is in drafts only, and locked while the writer lives.
LOCK = ".lock"


class Draft:
    """The folder to write to, and the name that it gets."""

    def __init__(self, target: Path, lock: BinaryIO) -> None:
        self.target = target
        self.path = path_of(target)
        self.finished = False
        self._lock = lock

    def finish(self) -> None:
        """Give the folder its name. Raises FileExistsError where another training has taken it meanwhile."""
        for path in (self.path, *self.path.rglob("*")):  # servers of other users read it, whatever the umask here
            path.chmod(0o755 if path.is_dir() else 0o644)
        if sys.platform == "win32":  # which removes no open files
            self._lock.close()
        (self.path / LOCK).unlink()
        try:
            self.path.rename(self.target)
        except OSError as error:
            raise (_taken(self.target) if self.target.exists() else error) from None
        self.finished = True

    def _close(self) -> None:
        if not self.finished:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def path_of(target: Path) -> Path:
    """Where the draft of a directory is."""
    return target.with_name(f".{target.name}.partial")


def drafted(directory: Path) -> list[Path]:
    """What the drafts in a directory are to become."""
    return [path.with_name(path.name[1 : -len(".partial")]) for path in sorted(directory.glob(".*.partial"))]


@contextmanager
def new(target: Path) -> Iterator[Draft]:
    """A draft to write; what is not finished by the end is removed.

    Raises FileExistsError where `target` exists, or is being written by another process.
    """
    if target.exists():
        raise _taken(target)
    path = path_of(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
        lock = (path / LOCK).open("xb")
    except (FileExistsError, FileNotFoundError):
        raise FileExistsError(f"{target} is being written by another process") from None
    try:
        _acquire(lock)
    except BlockingIOError:  # another training takes the new folder for a leftover, and removes it
        lock.close()
        raise FileExistsError(f"{target} is being written by another process") from None
    except OSError:
        pass  # some network drives have no locks: then no draft counts as a leftover
    draft = Draft(target, lock)
    try:
        yield draft
    finally:
        draft._close()


@contextmanager
def leftover(target: Path) -> Iterator[Optional[Draft]]:
    """The draft of `target` that was left behind, or None; what is not finished by the end is removed."""
    try:
        lock = (path_of(target) / LOCK).open("r+b")
    except OSError:
        yield None
        return
    try:
        _acquire(lock)
        ours = os.path.samestat(os.fstat(lock.fileno()), (path_of(target) / LOCK).stat())
    except OSError:  # its writer lives, or whether it does cannot be known
        ours = False
    if not ours:
        lock.close()
        yield None
        return
    draft = Draft(target, lock)
    try:
        yield draft
    finally:
        draft._close()


def _acquire(file: BinaryIO) -> None:
    """Lock a file. Raises BlockingIOError where another process holds it, OSError where there are no locks."""
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _taken(target: Path) -> FileExistsError:
    return FileExistsError(f"{target} already exists: models are never overwritten")
