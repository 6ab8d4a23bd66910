"""Files of gzipped JSON Lines: one that is written, and finished ones, of which the oldest go.

A file appears under its name once it is whole. Not here: what is in the lines.
"""

from __future__ import annotations

import datetime
import logging
import os
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Optional

logger = logging.getLogger(__name__)

_ENDING, _UNFINISHED = ".jsonl.gz", ".unfinished"
#: A stream of gzip, for zlib.
_GZIP = 31
_BLOCK = 1 << 16
#: Seconds after which lines are on the disk, although their file is not finished.
_FLUSH = 5.0


class Limits(NamedTuple):
    """When a file is finished, by its bytes and its seconds, and which finished files stay, by age and bytes in all."""

    bytes: int
    seconds: float
    keep_seconds: float
    keep_bytes: int


class Files:
    """Writes into a folder that nobody else writes into. Raises OSError as files do."""

    def __init__(self, folder: Path, limits: Limits, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._limits = limits
        self._now = now
        self._file: Optional[_File] = None
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob(f".*{_UNFINISHED}")):
            _finish_what_was_left(path)
        self.keep()

    def write(self, lines: bytes) -> None:
        """Write whole lines."""
        with self._kept_on_failure():
            self._file = self._file or _File(self._new_path(), self._now())
            self._file.write(lines)
        self.tick()

    def tick(self) -> None:
        """Do what is due by now; to be called every second."""
        if self._file is None:
            return
        if self._file.size >= self._limits.bytes or self._now() - self._file.began >= self._limits.seconds:
            self.finish()
        elif self._now() - self._file.flushed >= _FLUSH:
            with self._kept_on_failure():
                self._file.flush(self._now())

    def finish(self) -> None:
        """Finish the file that is written, if there is one, and delete those that need not stay."""
        if self._file is not None:
            with self._kept_on_failure():
                logger.info("Wrote %s", self._file.finish())
            self._file = None
        self.keep()

    @contextmanager
    def _kept_on_failure(self) -> Iterator[None]:
        """Begin a new file where one cannot be written; what is in the old one is read at the next start."""
        try:
            yield
        except OSError:
            if self._file is not None:
                self._file.abandon()
            self._file = None
            raise

    def keep(self) -> None:
        """Delete finished files: those that are too old, and the oldest of those that are too many bytes."""
        total = 0
        for path in sorted(self._folder.glob(f"*{_ENDING}"), reverse=True):
            info = path.stat()
            total += info.st_size
            if total > self._limits.keep_bytes or self._now() - info.st_mtime > self._limits.keep_seconds:
                path.unlink()

    def _new_path(self) -> Path:
        """A name by which files are in the order of their times."""
        began = datetime.datetime.fromtimestamp(self._now(), datetime.timezone.utc)
        return self._folder / f"{began:%Y%m%dT%H%M%S.%fZ}{_ENDING}"


class _File:
    """One that is written."""

    def __init__(self, path: Path, began: float) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
        self._stream = open(self._unfinished, "wb")  # noqa: SIM115
        self._gzip = _packer()
        self.began = self.flushed = began
        self.size = 0

    def write(self, lines: bytes) -> None:
        self.size += self._stream.write(self._gzip.compress(lines))

    def flush(self, now: float) -> None:
        """Have on the disk what was written."""
        self.size += self._stream.write(self._gzip.flush(zlib.Z_SYNC_FLUSH))
        self._stream.flush()
        self.flushed = now

    def finish(self) -> Path:
        """End the file, and give it its name."""
        self._stream.write(self._gzip.flush())
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        os.replace(self._unfinished, self._path)
        return self._path

    def abandon(self) -> None:
        """Leave the file as it is."""
        with suppress(OSError):
            self._stream.close()


def _finish_what_was_left(path: Path) -> None:
    """Keep the whole lines of a file that a killed process wrote."""
    finished = path.with_name(path.name[1 : -len(_UNFINISHED)])
    new = path.with_name(f"{path.name}.new")
    unpacking, packing, rest = zlib.decompressobj(_GZIP), _packer(), b""
    with open(path, "rb") as left, open(new, "wb") as stream:
        for block in iter(lambda: left.read(_BLOCK), b""):
            try:
                rest += unpacking.decompress(block)
            except zlib.error:  # from here on it is broken
                break
            whole = rest.rfind(b"\n") + 1
            stream.write(packing.compress(rest[:whole]))
            rest = rest[whole:]
        stream.write(packing.flush())
    os.replace(new, finished)
    path.unlink()
    logger.warning("Finished %s, which a killed process left", finished)


def _packer() -> Any:
    return zlib.compressobj(6, zlib.DEFLATED, _GZIP)
