"""How a model was made: what its data, settings, code and libraries were. It is a part of metadata.json.

Not here: what the model is, and any row of its data.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import msgspec

#: The files beside the model's class that decide what a model answers.
CODE = ("model.py", "preprocessor.py", "postprocessor.py")


class Data(msgspec.Struct, frozen=True):
    """The table that a model was made with: its file's name and SHA-256, where it was a file, and its size."""

    file: Optional[str]
    sha256: Optional[str]
    rows: int
    columns: int


class Commit(msgspec.Struct, frozen=True):
    """The commit of the code, and whether the folder of CODE was as committed."""

    sha: str
    clean: bool


class Spread(msgspec.Struct, frozen=True):
    """The mean of a metric and its standard deviation."""

    mean: float
    deviation: float


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a model was made. `time` is UTC in ISO 8601; `code` has the SHA-256 of each file of CODE."""

    time: str
    hyperparameters: Dict[str, Any]
    settings: Dict[str, Any]
    data: Optional[Data]
    commit: Optional[Commit]
    code: Dict[str, str]
    #: The mean of each metric over the folds, and its standard deviation, where there were folds.
    folds: Optional[Dict[str, Spread]] = None
    #: A sentence on each thing that training decided, such as how many rounds were kept.
    notes: List[str] = []


def describe(model_class: type, hyperparameters: Dict[str, Any], data: Optional[Data], notes: List[str]) -> Provenance:
    """Say how a model of a class is made, now and by the code as it is; `notes` are what training decided."""
    folder = _folder(model_class)
    return Provenance(
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        hyperparameters=hyperparameters,
        settings={},
        data=data,
        commit=_commit(folder) if folder else None,
        code=_code_in(folder),
        notes=[*notes],
    )


def changed_since(made: Optional[Provenance], model_class: type) -> List[str]:
    """The files of CODE that are not what they were when a model was made; none where that is unknown."""
    if made is None or not made.code:
        return []
    now = _code_in(_folder(model_class))
    return [name for name in CODE if now.get(name) != made.code.get(name)] if now else []


def advice(made: Optional[Provenance], model_class: type) -> str:
    """Say which files changed since a model was made, and what to do, as the end of a message; "" if none did."""
    changed = ", ".join(changed_since(made, model_class))
    if not changed:
        return ""
    return f"; {changed} changed since it was trained: train again (make train), or restore what was there then"


def hyperparameters(made: Optional[Provenance], without: str) -> Dict[str, Any]:
    """What to build such a model with again; `without` is the one that names a model made elsewhere."""
    return {name: value for name, value in made.hyperparameters.items() if name != without} if made else {}


def _code_in(folder: Optional[Path]) -> Dict[str, str]:
    """The SHA-256 of each file of CODE, with git's line endings, whatever the checkout has."""
    files = [folder / name for name in CODE] if folder else []
    contents = {file.name: file.read_bytes().replace(b"\r\n", b"\n") for file in files if file.is_file()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _folder(model_class: type) -> Optional[Path]:
    """Where a class, or the one that it was derived from, has its CODE; None where it has none, as in a notebook."""
    for origin in model_class.__mro__:
        file = getattr(sys.modules.get(origin.__module__), "__file__", None)
        if file and all((Path(file).parent / name).is_file() for name in CODE):
            return Path(file).parent
    return None


def _commit(folder: Path) -> Optional[Commit]:
    """The commit of a folder; None where there is no git, or no commit."""
    try:
        sha = _git(folder, "rev-parse", "HEAD")
        return Commit(sha, clean=not _git(folder, "status", "--porcelain", "--", "."))
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
