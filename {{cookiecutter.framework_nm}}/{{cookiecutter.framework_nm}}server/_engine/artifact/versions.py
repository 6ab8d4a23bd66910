"""Where models lie: which names a directory has models for, which directory a name leads to, and where the next goes.

A model directory holds metadata.json. Where MODEL_DIR is one, or holds numbered versions of one (0001,
0002, ...), it is served as MODEL_NAME. Otherwise it is a repository: each directory in it is a model, or its
versions, and is served under its own name. Not here: which version answers; that is serving/newest.py.
"""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath

from ..contract.errors import ModelError
from .draft import drafted
from .metadata import FILE


class NoSuchModel(ModelError):
    """A name that leads to no model directory."""


class NoModels(ModelError):
    """A directory without a model."""


def names_in(root: Path, model_name: str, address: str) -> list[str]:
    """The names of the models in `root`, which came from `address`, as shown. Raises ModelError, NoModels if there is
    none.
    """
    if not os.path.isdir(root):
        raise ModelError(
            f"MODEL_DIR is {address}, which is not a directory: expected a model, its versions, or several models"
        )
    if current(root):
        if not model_name:
            raise ModelError("set MODEL_NAME, the name in the request's URL (or pass --model_name)")
        return [model_name]
    names = [path.name for path in sorted(root.iterdir()) if not path.name.startswith(".") and current(path)]
    if not names:
        raise NoModels(f"MODEL_DIR is {address}, which holds no model: expected metadata.json in it")
    return names


def directories_of(name: str, root: Path, model_name: str, address: str) -> list[Path]:
    """The directories of a model in `root`, which came from `address`, as shown: `models_at`, at least one of which
    has metadata.json. Raises NoSuchModel.
    """
    path: Path | None = root
    # A name must not lead to other directories, with the separators of any system, nor to one that is being written.
    plain = name == PureWindowsPath(name).name and not name.startswith(".")
    if current(root) is None and plain:
        path = root / name
    elif name != model_name:
        path = None
    if path is None or current(path) is None:
        raise NoSuchModel(f"there is no model {name!r} in {address}")
    return models_at(path)


def directory_of(name: str, root: Path, model_name: str, address: str) -> Path:
    """The newest of `directories_of` that has metadata.json: others are still being written, or no model at all."""
    return next(filter(_is_model, directories_of(name, root, model_name, address)))


def current(path: Path) -> Path | None:
    """The model directory at `path`: itself, or the highest of its numbered versions that has metadata.json."""
    return next((model for model in models_at(path) if _is_model(model)), None)


def models_at(path: Path) -> list[Path]:
    """The model directory at `path` itself, or else the numbered folders in it, whatever they hold, highest first."""
    try:
        if _is_model(path):
            return [path]
        return [item for item in reversed(versions(path)) if item.is_dir()]
    except OSError:  # no directory, or no name that one could have
        return []


def _is_model(directory: Path) -> bool:
    """Whether a model was saved there, in whatever state it is now."""
    return (directory / FILE).exists()


def versions(directory: Path) -> list[Path]:
    """The versions in a directory, 0001, 0002, ..., oldest first."""
    found = [path for path in directory.iterdir() if path.name.isdecimal()] if directory.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))


def drafted_versions(directory: Path) -> list[Path]:
    """The versions that are being written, or that were left behind."""
    return [path for path in drafted(directory) if path.name.isdecimal()]


def next_version(directory: Path) -> Path:
    """Where the next version goes."""
    taken = [int(path.name) for path in (*versions(directory), *drafted_versions(directory))]
    return directory / f"{max(taken, default=0) + 1:04d}"
