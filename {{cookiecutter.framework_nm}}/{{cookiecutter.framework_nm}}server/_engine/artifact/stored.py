"""A model directory as it is stored: checked when it is opened, copied as it was then, and written whole or not at all.

Not here: what metadata.json says (metadata.py), drafts and their locks (draft.py), where models lie (versions.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, List

from ..contract.errors import ModelError
from . import compiled, draft, example, metadata

#: Bytes read at once: weights may be larger than the memory.
_BLOCK = 1 << 20


class Artifact:
    """A model directory, and what its metadata.json said when it was opened."""

    def __init__(self, path: Path, content: metadata.Metadata) -> None:
        self.path = path
        self.metadata = content

    @classmethod
    def open(cls, path: Path, platform: str, weights: str) -> Artifact:
        """Check the model directory of a framework, whose weights have that name.

        Raises ModelError where a file is missing, damaged, changed, or another framework's.
        """
        found = metadata.read(path)
        if found.platform != platform:
            raise ModelError(f"{path} is a model of {found.platform}; this package serves {platform}")
        listed = {*found.files, *(name.partition("/")[0] for name in found.files)}
        needed = {weights, example.FILE, *([compiled.FILE] if found.compiled else [])}
        if not needed <= listed:
            raise ModelError(f"{path / metadata.FILE} does not list {', '.join(sorted(needed - listed))}")
        for name, expected in found.files.items():
            _check(path, name, expected)
        return cls(path, found)

    def copy(self, folder: Path) -> None:
        """Copy the files that metadata.json lists, as they were when the directory was opened.

        Raises ModelError where a file has changed, OSError where the copy cannot be written.
        """
        for name, expected in self.metadata.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            found = hashlib.sha256()
            with target.open("wb") as copy:
                for block in self._blocks(name):
                    found.update(block)
                    copy.write(block)
            if found.hexdigest() != expected:
                raise ModelError(f"{name} in {self.path} has changed since the model was loaded; reload the model")

    def _blocks(self, name: str) -> Iterator[bytes]:
        try:
            with (self.path / name).open("rb") as file:
                yield from _blocks(file)
        except OSError as error:
            raise ModelError(
                f"{name} in {self.path} cannot be read again: {error.strerror}; reload the model"
            ) from None


def digest(file: Path) -> str:
    """The SHA-256 of a file of any size."""
    found = hashlib.sha256()
    with file.open("rb") as content:
        for block in _blocks(content):
            found.update(block)
    return found.hexdigest()


def files_in(folder: Path) -> List[str]:
    """The files that metadata.json lists, by their paths."""
    own = (metadata.FILE, metadata.DIGEST_FILE, draft.LOCK)
    files = (file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file())
    return [name for name in files if name not in own]


def finish(new: draft.Draft) -> None:
    """Give a draft that has all its files its name, without what metadata.json does not list, such as a
    compiled model that was not compared yet.

    Raises FileExistsError where another training has taken the name meanwhile.
    """
    metadata.seal(new.path)  # Ctrl-C may have come before that
    listed = metadata.read(new.path).files
    for name in set(files_in(new.path)) - set(listed):
        (new.path / name).unlink()
    new.finish()


def settle(dirpath: Path) -> bool:
    """Decide what becomes of the draft of a model directory that a killed training left: a whole one gets its name,
    and others are removed. Returns whether the directory was finished.
    """
    with draft.leftover(dirpath) as left:
        if left is None or dirpath.exists():
            return False
        try:
            metadata.seal(left.path)  # the training may have been killed before it came to that
            for name, expected in metadata.read(left.path).files.items():
                _check(left.path, name, expected)
        except (OSError, ModelError):
            return False
        finish(left)
        return True


def _check(folder: Path, name: str, expected: str) -> None:
    file = folder / name
    try:
        if not file.is_file():
            raise ModelError(f"{file} is missing, but {folder / metadata.FILE} lists it")
        found = digest(file)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}") from error
    if found != expected:
        raise ModelError(f"{file} is not the file that was saved: its SHA-256 differs from {metadata.FILE}")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_BLOCK), b"")
