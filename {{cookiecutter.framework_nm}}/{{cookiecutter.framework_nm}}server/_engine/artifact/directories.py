"""Where models are: which names a directory has models for, and which directory a name leads to.

A model directory holds metadata.json. Where MODEL_DIR is one, or holds numbered versions of one (0001,
0002, ...: the highest is served), it is served as MODEL_NAME. Otherwise it is a repository: each directory
in it is a model, or its versions, and is served under its own name.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..contract.errors import ModelError


class NoSuchModel(ModelError):
    """A name that leads to no model directory."""


def names_in(root: Path, model_name: str, address: str) -> list[str]:
    """The names of the models in `root`, which came from `address`, as shown. Raises ModelError if there is none."""
    if not os.path.isdir(root):
        raise ModelError(f"MODEL_DIR is {address}, and that is not a directory")
    if current(root):
        if not model_name:
            raise ModelError("set MODEL_NAME, the name in the request's URL (or pass --model_name)")
        return [model_name]
    names = [path.name for path in sorted(root.iterdir()) if not path.name.startswith(".") and current(path)]
    if not names:
        raise ModelError(f"MODEL_DIR is {address}, and there is no model: expected metadata.json in it")
    return names


def directory_of(name: str, root: Path, model_name: str, address: str) -> Path:
    """The directory of a model in `root`, which came from `address`, as shown. Raises NoSuchModel."""
    directory = current(root)
    # A name is no way to other directories, nor to one that is being written.
    plain = name == Path(name).name and not name.startswith(".")
    if directory is None and plain:
        directory = current(root / name)
    elif name != model_name:
        directory = None
    if directory is None:
        raise NoSuchModel(f"there is no model {name!r} in {address}")
    return directory


def current(path: Path) -> Path | None:
    """The model directory at `path`: itself, or the highest of its numbered versions."""
    try:
        if (path / "metadata.json").exists():
            return path
        versions = [item for item in path.iterdir() if item.name.isdecimal() and (item / "metadata.json").exists()]
    except OSError:  # no directory, or no name that one could have
        return None
    return max(versions, key=lambda item: int(item.name)) if versions else None
