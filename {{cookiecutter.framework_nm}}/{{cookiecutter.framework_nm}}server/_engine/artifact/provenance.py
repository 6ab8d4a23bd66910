"""How a model was made: what its data, settings, code and libraries were. It is a part of metadata.json.

Not here: what the model is, and any row of its data.
"""

from __future__ import annotations

import hashlib
import inspect
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import msgspec

#: The files beside the model's class that decide what a model answers.
CODE = ("model.py", "preprocessor.py", "postprocessor.py")


class Data(msgspec.Struct, frozen=True):
    """The table that a model was trained on: its file's name and SHA-256, where it was a file, and its size."""

    file: Optional[str]
    sha256: Optional[str]
    rows: int
    columns: int


class Commit(msgspec.Struct, frozen=True):
    """The commit of the code, and whether the working tree was as committed."""

    sha: str
    clean: bool


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a model was made. `time` is UTC in ISO 8601; `code` has the SHA-256 of each file of CODE."""

    time: str
    hyperparameters: Dict[str, Any]
    settings: Dict[str, Any]
    data: Optional[Data]
    commit: Optional[Commit]
    code: Dict[str, str]


def describe(
    model_class: type, hyperparameters: Dict[str, Any], settings: Dict[str, Any], data: Optional[Data]
) -> Provenance:
    """Say how a model of a class is made, now and by the code as it is."""
    return Provenance(
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        hyperparameters=hyperparameters,
        settings=settings,
        data=data,
        commit=_commit(_folder(model_class)),
        code=code_of(model_class),
    )


def describe_data(path: Optional[Path], rows: int, columns: int) -> Data:
    """Say which table it was; `path` is None for the sample data."""
    if path is None:
        return Data(None, None, rows, columns)
    return Data(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), rows, columns)


def code_of(model_class: type) -> Dict[str, str]:
    """The SHA-256 of each file of CODE beside a class, over lines that end as in git, whatever the checkout's do."""
    files = [_folder(model_class) / name for name in CODE]
    contents = {file.name: file.read_bytes().replace(b"\r\n", b"\n") for file in files if file.is_file()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def changed_since(made: Optional[Provenance], model_class: type) -> List[str]:
    """The files of CODE that are not what they were when a model was made; none where nobody knows."""
    if made is None:
        return []
    now = code_of(model_class)
    return [name for name in CODE if now.get(name) != made.code.get(name)]


def _folder(model_class: type) -> Path:
    return Path(inspect.getfile(model_class)).parent


def _commit(folder: Path) -> Optional[Commit]:
    """The commit of a folder; None where there is no git, or no commit."""
    try:
        sha = _git(folder, "rev-parse", "HEAD")
        return Commit(sha, clean=not _git(folder, "status", "--porcelain", "--", "."))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
