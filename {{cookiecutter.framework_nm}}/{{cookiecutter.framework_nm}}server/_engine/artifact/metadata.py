"""metadata.json, which makes a directory a model directory, and metadata.sha256 beside it, which has its digest.

The digest tells that a file was damaged or edited by mistake. It tells nothing of an attacker, who can write both
files: only a signature does (signing.py). Not here: the other files of a model directory.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PureWindowsPath
from typing import Any, Dict, List, Literal, Optional, Tuple, Union

import msgspec

from ..contract.errors import ModelError
from ..contract.signature import Column, Signature, Tensor
from .provenance import Provenance

FILE = "metadata.json"
#: One line, as `sha256sum metadata.json` prints it.
DIGEST_FILE = "metadata.sha256"
#: What is written. Format 2 knew no forms of columns, and no unused ones. Format 1 had no digest of metadata.json,
#: called the compiled model "twin", and did not say how the model was made.
FORMAT = 3


class _Version(msgspec.Struct):
    format: int = 1


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The content of metadata.json: the Open Inference Protocol's model metadata, and what training knows."""

    format: int = 1
    name: str
    platform: str
    task: Literal["classification", "regression"]
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Tensor, ...]
    columns: Tuple[Column, ...]
    labels: Optional[List[Union[bool, int, float, str]]]
    metrics: Dict[str, float]
    #: What encoding learnt from the training data.
    state: Dict[str, Any]
    #: On how many rows the compiled model was compared, how far it was off, and from how many rows on the framework's
    #: own model was quicker, where it was; None where there is no compiled model.
    compiled: Optional[Dict[str, float]]
    versions: Dict[str, str]
    #: The SHA-256 of each other file, by its path.
    files: Dict[str, str]
    #: How text spells a missing value, beside ""; None, as in older files, where "" is text like any other.
    missing: Optional[Tuple[str, ...]] = None
    #: Columns of the training data that nothing is learnt from, and why.
    unused: Dict[str, str] = {}
    #: Of two labels, the probability from which the second one is answered; None where the likelier one is.
    threshold: Optional[float] = None
    #: How the model was made; None in older files, which do not say.
    made: Optional[Provenance] = None


def write(folder: Path, metadata: Metadata) -> None:
    """Write metadata.json in one step: there is the old one or the new one, whenever the process ends."""
    content = msgspec.json.encode(msgspec.structs.replace(metadata, format=FORMAT), enc_hook=str)
    file = folder / f"{FILE}.new"
    file.write_bytes(msgspec.json.format(content) + b"\n")
    file.replace(folder / FILE)
    seal(folder)


def seal(folder: Path) -> None:
    """Write the digest of metadata.json as it is."""
    digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    (folder / DIGEST_FILE).write_bytes(f"{digest}  {FILE}\n".encode())


def read(folder: Path, signed: Optional[str] = None) -> Metadata:
    """Read metadata.json, which has the SHA-256 `signed` if one is given.

    Raises ModelError where it is missing, damaged, exchanged, of a newer format, or makes no sense.
    """
    file = folder / FILE
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a directory: expected a model directory, as written by training")
    try:
        content = file.read_bytes()
        if signed not in (None, hashlib.sha256(content).hexdigest()):
            raise ModelError(f"{file} changed while its signature was being checked: load the model again")
        version = msgspec.json.decode(content, type=_Version).format
        if version > FORMAT:
            raise ModelError(
                f"{file} has format {version}, but this project reads 1 to {FORMAT}: update it, or train again"
            )
        _check_digest(folder, content, version)
        metadata = _decode(content, version)
    except FileNotFoundError:
        raise ModelError(f"{file} is missing: {folder} is not a model directory") from None
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise ModelError(f"{file} cannot be read: {error}") from error
    problem = _problem(metadata)
    if problem:
        raise ModelError(f"{file} {problem}")
    return metadata


def is_readable(folder: Path) -> bool:
    """Whether a folder holds a model that this project can read, as far as its metadata.json says."""
    try:
        read(folder)
    except ModelError:
        return False
    return True


def _decode(content: bytes, version: int) -> Metadata:
    if version > 1:
        return msgspec.json.decode(content, type=Metadata)
    found = msgspec.json.decode(content, type=Dict[str, Any])
    found["compiled"] = found.pop("twin", None)
    return msgspec.convert(found, Metadata)


def _check_digest(folder: Path, content: bytes, version: int) -> None:
    try:
        expected = (folder / DIGEST_FILE).read_bytes().split()
    except FileNotFoundError:
        if version == 1:
            return
        raise ModelError(f"{folder / DIGEST_FILE} is missing: copy the whole model directory again") from None
    except OSError as error:
        raise ModelError(f"{folder / DIGEST_FILE} cannot be read: {error.strerror}") from error
    if expected[:1] != [hashlib.sha256(content).hexdigest().encode()]:
        raise ModelError(
            f"{folder / FILE} is damaged: its SHA-256 differs from {DIGEST_FILE}; copy the model directory again"
        )


def _problem(metadata: Metadata) -> str:
    """What in a file of the right form cannot be true; "" where nothing is."""
    names = [*Signature(metadata.columns).names, *metadata.unused]
    if not metadata.columns or len(set(names)) < len(names):
        return "lists no columns, or a column twice"
    if not metadata.outputs:
        return "lists no outputs"
    if metadata.labels is not None and len({type(label) for label in metadata.labels}) != 1:
        return "has no labels, or labels of several kinds"
    if metadata.threshold is not None and len(metadata.labels or ()) != 2:
        return "has a threshold, which is for two labels"
    for name in metadata.files:
        path = PureWindowsPath(name)  # knows both separators: what one system refuses, all do
        if not path.parts or path.anchor or ".." in path.parts:
            return f"lists a file outside its directory: {name[:80]!r}"
        if path.as_posix() != name or "\0" in name or max(map(len, path.parts)) > 255:
            return f"lists an impossible file name: {name[:80]!r}"
    return ""
