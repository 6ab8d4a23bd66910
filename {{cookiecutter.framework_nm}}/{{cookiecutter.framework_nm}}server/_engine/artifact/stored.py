"""A model directory as it is stored: checked while it is read, and written whole or not at all.

Not here: what metadata.json says (metadata.py), who signed it (signing.py), drafts and their locks (draft.py), where
models lie (versions.py).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, List, Optional

from ..contract.errors import ModelError
from ..drift import reference
from . import compiled, draft, example, metadata, reports, signing

#: Bytes read at once: weights may be larger than the memory.
_BLOCK = 1 << 20


class Artifact:
    """A model directory, and what its metadata.json said when it was opened.

    Whatever is read of it is checked as it is read: nobody gets other bytes than those whose digests metadata.json had
    then. So a file that is exchanged, even between two moments of one load, is refused and never used.
    """

    def __init__(self, path: Path, content: metadata.Metadata, weights: str) -> None:
        self.path = path
        self.metadata = content
        #: The name of the file or folder that holds the weights.
        self.weights = weights
        # What people read is no reason not to serve.
        self._unread = set(content.files) - set(reports.FILES)
        self._private: Optional[Path] = None
        self.example = self.read(example.FILE)
        self.reference = reference.read(self.read(reference.FILE)) if reference.FILE in content.files else None

    @classmethod
    def open(cls, path: Path, platform: str, weights: Sequence[str], key: Optional[Path] = None) -> Artifact:
        """Open the model directory of a framework, whose weights have one of these names; with a key, only if its
        owner signed the directory as it is.

        Raises Unsigned, and ModelError where metadata.json is damaged, another framework's, or lists too little.
        """
        found = metadata.read(path, signing.check(path, key) if key else None)
        if found.platform != platform:
            raise ModelError(
                f"{path} is a model of {found.platform}; this package serves {platform}: use the project that made it"
            )
        listed = {*found.files, *(name.partition("/")[0] for name in found.files)}
        name = next((name for name in weights if name in listed), weights[0])
        needed = {name, example.FILE, *([compiled.FILE] if found.compiled else [])}
        if not needed <= listed:
            raise ModelError(f"{path / metadata.FILE} does not list {', '.join(sorted(needed - listed))}")
        return cls(path, found, name)

    def check(self) -> None:
        """Check all files that were not read yet. Raises ModelError where one is missing, damaged or changed."""
        for name in sorted(self._unread):
            for _ in self._blocks(name):
                pass

    def read(self, name: str) -> bytes:
        """The content of a file. Raises ModelError as `check` does."""
        return b"".join(self._blocks(name))

    def private_weights(self) -> Path:
        """The weights, as a copy that no other user can change; it stays as long as the artifact.

        Raises ModelError as `check` does, or where there is no room for the copy.
        """
        if self._private is None:
            try:
                self._private = self._copy_weights()
            except OSError as error:
                raise ModelError(
                    f"{self.weights} in {self.path} is loaded from a private copy, which cannot be written: {error}; "
                    "make room in the temporary directory, or set TMPDIR to another one"
                ) from error
        return self._private / self.weights

    def copy(self, folder: Path) -> None:
        """Copy the files that metadata.json lists.

        Raises ModelError as `check` does, OSError where the copy cannot be written.
        """
        self._copy(self.metadata.files, folder)

    def _copy_weights(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="weights-"))
        remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        try:
            self._copy([name for name in self.metadata.files if name.partition("/")[0] == self.weights], folder)
        except BaseException:  # whoever asks again would leave another one
            remove()
            raise
        return folder

    def _copy(self, names: Iterable[str], folder: Path) -> None:
        for name in names:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy:
                for block in self._blocks(name):
                    copy.write(block)

    def _blocks(self, name: str) -> Iterator[bytes]:
        """The content of a file; at its end an exception where it was not what it should be."""
        try:
            yield from _checked(self.path, name, self.metadata.files[name])
        except ModelError as error:
            if name in self._unread:
                raise
            raise ModelError(f"{error}; it has changed since the model was loaded: reload the model") from None
        self._unread.discard(name)


def digest(file: Path) -> str:
    """The SHA-256 of a file of any size."""
    found = hashlib.sha256()
    with file.open("rb") as content:
        for block in _blocks(content):
            found.update(block)
    return found.hexdigest()


def files_in(folder: Path) -> List[str]:
    """The files that metadata.json lists, by their paths."""
    own = (metadata.FILE, metadata.DIGEST_FILE, signing.FILE, draft.LOCK)
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
                for _ in _checked(left.path, name, expected):
                    pass
        except (OSError, ModelError):
            return False
        finish(left)
        return True


def _checked(folder: Path, name: str, expected: str) -> Iterator[bytes]:
    """The content of a file, whose end raises ModelError where it has another digest."""
    file = folder / name
    found = hashlib.sha256()
    try:
        if not file.is_file():
            raise ModelError(f"{file} is missing, but {folder / metadata.FILE} lists it")
        with file.open("rb") as content:
            for block in _blocks(content):
                found.update(block)
                yield block
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}") from error
    if found.hexdigest() != expected:
        raise ModelError(f"{file} is not the file that was saved: its SHA-256 differs from {metadata.FILE}")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_BLOCK), b"")
