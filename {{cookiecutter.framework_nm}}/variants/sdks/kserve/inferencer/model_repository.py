"""Which models there are, and loading, reloading and unloading them by name while the server runs.

A model directory holds metadata.json. Where MODEL_DIR is one, or holds numbered versions of one (0001,
0002, ...: the highest is served), it is served as MODEL_NAME. Otherwise it is a repository: each directory
in it is a model, or its versions, and is served under its own name. Where MODEL_DIR is the address of a store, that is
downloaded, and downloaded again whenever a model is loaded or reloaded.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kserve
from kserve.errors import ModelNotFound, ModelNotReady
from kserve.logging import logger
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from ..trainer._core import ModelError
from .model import ServingModel
from .storage import Location


class NoSuchModel(ModelError):
    """A name that leads to no model directory."""


class LoadFailed(ModelNotReady):
    """A model could not be loaded, and what `reason` says is why."""

    def __init__(self, reason: str) -> None:
        self.error_msg = self.reason = reason


class ServingRepositoryExtension(ModelRepositoryExtension):
    """KServe's repository API, with the reason of a failed load on REST and gRPC alike."""

    async def load(self, model_name: str) -> dict[str, Any]:
        try:
            await self._model_registry.load(model_name)
        except NoSuchModel as error:
            missing = ModelNotFound(model_name)
            missing.reason = str(error)
            raise missing from None
        except Exception as error:
            raise LoadFailed(f"Model {model_name} was not loaded, and the one before stays: {error}") from error
        return {"name": model_name, "load": True}

    async def unload(self, model_name: str) -> dict[str, Any]:
        await super().unload(model_name)
        return {"name": model_name, "unload": True}


class ServingModelRepository(kserve.ModelRepository):
    """The models below `models_dir`, a directory or an address, or the one model there, under `model_name`.

    `make_model(name, directory)` makes a `ServingModel` that is still to be loaded.
    """

    def __init__(
        self, models_dir: Path | str, model_name: str, make_model: Callable[[str, Path], ServingModel]
    ) -> None:
        super().__init__(str(models_dir))
        self.location = Location(str(models_dir))
        self.model_name = model_name
        self.make_model = make_model

    def load_models(self) -> None:
        """Load all models. Raises ModelError if one cannot be loaded, or if there is none."""
        with self.location.fetch() as root:
            if not os.path.isdir(root):
                raise ModelError(f"MODEL_DIR is {self.location.address}, and that is not a directory")
            if current(root):
                if not self.model_name:
                    raise ModelError("set MODEL_NAME, the name in the request's URL (or pass --model_name)")
                names = [self.model_name]
            else:
                names = [path.name for path in sorted(root.iterdir()) if current(path)]
            if not names:
                address = self.location.address
                raise ModelError(f"MODEL_DIR is {address}, and there is no model: expected metadata.json in it")
            for name in names:
                self._load(name, root)

    async def load(self, name: str) -> bool:
        """Load or reload a model for KServe's repository API; requests go on meanwhile."""
        return await asyncio.to_thread(self.load_model, name)

    def load_model(self, name: str) -> bool:
        """Load a model; only then does it take the place of the one of that name. Raises ModelError."""
        with self.location.fetch() as root:
            self._load(name, root)
        return True

    def _load(self, name: str, root: Path) -> None:
        model = self.make_model(name, self._directory(name, root))
        model.load()
        self.update(model)
        logger.info("Loaded model %s from %s", name, self.location.address)

    def _directory(self, name: str, root: Path) -> Path:
        directory = current(root)
        plain = name == Path(name).name and name != ".."  # a name is no way to other directories
        if directory is None and plain:
            directory = current(root / name)
        elif name != self.model_name:
            directory = None
        if directory is None:
            raise NoSuchModel(f"there is no model {name!r} in {self.location.address}")
        return directory


def current(path: Path) -> Path | None:
    """The model directory at `path`: itself, or the highest of its numbered versions."""
    try:
        if (path / "metadata.json").exists():
            return path
        versions = [item for item in path.iterdir() if item.name.isdecimal() and (item / "metadata.json").exists()]
    except OSError:  # no directory, or no name that one could have
        return None
    return max(versions, key=lambda item: int(item.name), default=None)
