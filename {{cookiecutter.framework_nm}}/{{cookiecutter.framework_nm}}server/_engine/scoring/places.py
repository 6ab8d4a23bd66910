"""Where tables lie and scores go: files and folders of this machine, and addresses in stores such as s3:// and gs://.

Not here: what is in a file.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import Any, Iterator, List, NamedTuple
from urllib.parse import quote

import pyarrow as pa
from pyarrow import fs

from ..tables.files import DataError

#: What a store that speaks S3 is named by, for KServe and for Amazon's own tools.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
#: Seconds that Google's client goes on asking a store that does not answer, which it would do for 15 minutes.
_PATIENCE = 60


class Unfinished(Exception):
    """What ended a run although nothing is wrong with its tables, such as a full disk: finished parts are kept."""


class Place(NamedTuple):
    """A file or a folder, which there need not be; `shown` is how messages name it, without passwords."""

    store: Any
    path: str
    shown: str

    def __truediv__(self, name: str) -> Place:
        return Place(self.store, f"{self.path}/{name}", f"{self.shown}/{name}")

    def beside(self, ending: str) -> Place:
        """The place whose name is longer by an ending."""
        return Place(self.store, self.path + ending, self.shown + ending)

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.path)[1].lower()

    @property
    def info(self) -> Any:
        """Its type, size and time of change. Raises Unfinished where its store does not answer."""
        with failing(self):
            return self.store.get_file_info(self.path)

    @property
    def exists(self) -> bool:
        return bool(self.info.type != fs.FileType.NotFound)

    @property
    def local(self) -> bool:
        return isinstance(self.store, fs.LocalFileSystem)

    def files(self) -> List[Place]:
        """The files in a folder and in the folders in it, by name; none where there is no folder."""
        selector = fs.FileSelector(self.path, allow_not_found=True, recursive=True)
        found = [info.path for info in self.store.get_file_info(selector) if info.is_file]
        return [Place(self.store, path, self.shown + path[len(self.path) :]) for path in sorted(found)]

    def read(self) -> bytes:
        with self.store.open_input_stream(self.path) as stream:
            return bytes(stream.read())

    def write(self, content: bytes) -> None:
        """Write a file in one step: there is the whole of it, or none, whenever the process ends."""
        new = self.beside(".new") if self.local else self  # in a bucket an object appears whole
        with new.store.open_output_stream(new.path) as stream:
            stream.write(content)
        if self.local:
            new.move(self)

    def move(self, to: Place) -> None:
        self.store.move(self.path, to.path)

    def delete(self) -> None:
        self.store.delete_file(self.path)

    def remove(self) -> None:
        """Remove a folder and all that is in it."""
        self.store.delete_dir(self.path)


def find(address: str) -> Place:
    """What an address or a path names. Raises DataError where no store is known by it, or its store refuses."""
    shown = re.sub(r"//[^/@]*@", "//", address).partition("?")[0].rstrip("/")
    if "://" not in address:
        return Place(fs.LocalFileSystem(), os.path.abspath(address).replace(os.sep, "/"), address.rstrip("/") or "/")
    endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), "")
    if address.startswith("s3://") and endpoint and "endpoint_override=" not in address:
        scheme, _, host = endpoint.partition("://")
        address = _with(address, f"scheme={scheme}&endpoint_override={quote(host.rstrip('/'))}")
    if address.startswith("gs://") and "retry_limit_seconds=" not in address:
        address = _with(address, f"retry_limit_seconds={_PATIENCE}")
    try:
        store, path = fs.FileSystem.from_uri(address)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{shown} cannot be reached: {_first_line(error)}") from None
    return Place(store, path.rstrip("/"), shown)


def _with(address: str, options: str) -> str:
    """An address with more options behind its question mark."""
    return f"{address}{'&' if '?' in address else '?'}{options}"


@contextmanager
def failing(place: Place) -> Iterator[None]:
    """Turn what pyarrow raises into an error that names the place: DataError where the content is wrong, Unfinished
    where its store fails."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise DataError(f"{place.shown} cannot be read: {_first_line(error)}") from error
    except MemoryError as error:
        raise Unfinished("there is not enough memory: fewer --workers and smaller --batch_rows need less") from error
    except OSError as error:
        raise Unfinished(f"{place.shown} cannot be read or written: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
