"""Which models there are, and loading, reloading and unloading them by name while the server runs.

A model directory holds metadata.json. Where MODEL_DIR is one, or holds numbered versions of one (0001,
0002, ...: the highest is served), it is served as MODEL_NAME. Otherwise it is a repository: each directory
in it is a model, or its versions, and is served under its own name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import kserve
from kserve.logging import logger

from ..trainer._core import ModelError
from .model import ServingModel


class ServingModelRepository(kserve.ModelRepository):
    """The models below `models_dir`, or the one model there, under `model_name`.

    `make_model(name, directory)` makes a `ServingModel` that is still to be loaded.
    """

    def __init__(self, models_dir: Path, model_name: str, make_model: Callable[[str, Path], ServingModel]) -> None:
        super().__init__(str(models_dir))
        self.root = models_dir
        self.model_name = model_name
        self.make_model = make_model

    def load_models(self) -> None:
        """Load all models. Raises ModelError if one cannot be loaded, or if there is none."""
        if not self.root.is_dir():
            raise ModelError(f"MODEL_DIR is {self.root}, and that is not a directory")
        if current(self.root):
            if not self.model_name:
                raise ModelError("set MODEL_NAME, the name in the request's URL (or pass --model_name)")
            names = [self.model_name]
        else:
            names = [path.name for path in sorted(self.root.iterdir()) if current(path)]
        if not names:
            raise ModelError(f"MODEL_DIR is {self.root}, and there is no model: expected metadata.json in it")
        for name in names:
            self.load_model(name)

    async def load(self, name: str) -> bool:
        """Load or reload a model for KServe's repository API; requests go on meanwhile."""
        return await asyncio.to_thread(self.load_model, name)

    def load_model(self, name: str) -> bool:
        """Load a model; only then does it take the place of the one of that name. Raises ModelError."""
        model = self.make_model(name, self._directory(name))
        model.load()
        self.update(model)
        logger.info("Loaded model %s from %s", name, model.model_dir)
        return True

    def _directory(self, name: str) -> Path:
        directory = current(self.root)
        if directory is None and name == Path(name).name:  # a name is no way to other directories
            directory = current(self.root / name)
        elif name != self.model_name:
            directory = None
        if directory is None:
            raise ModelError(f"there is no model {name!r} in {self.root}")
        return directory


def current(path: Path) -> Path | None:
    """The model directory at `path`: itself, or the highest of its numbered versions."""
    if not path.is_dir():
        return None
    if (path / "metadata.json").exists():
        return path
    versions = [item for item in path.iterdir() if item.name.isdecimal() and (item / "metadata.json").exists()]
    return max(versions, key=lambda item: int(item.name), default=None)
