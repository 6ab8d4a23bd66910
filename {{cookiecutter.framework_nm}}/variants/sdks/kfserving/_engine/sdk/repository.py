"""Loading, reloading and unloading models by name while the server runs, from a directory or an address.

Where they are in a directory: directories.py.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from pathlib import Path

import kfserving
from kfserving.kfmodel_repository import KFModelRepository

from ..artifact.addresses import Redacting, redacted, shown
from ..artifact.directories import directories_of, directory_of, names_in
from ..contract.errors import ModelError
from ..serving.newest import load_newest
from .model import ServingModel

logger = logging.getLogger(__name__)


class ServingModelRepository(KFModelRepository):
    """The models below `model_dir`, or the one model there, under `model_name`.

    `model_dir` is a directory, or an address that `kfserving.Storage` downloads from: gs://, s3://, https://, file://.
    `make_model(name, directory)` makes a `ServingModel` that is still to be loaded.
    """

    def __init__(self, model_dir: str, model_name: str, make_model: Callable[[str, Path], ServingModel]) -> None:
        super().__init__(model_dir)
        # KFServing and the stores' clients log addresses.
        for handler in logging.getLogger().handlers:
            handler.addFilter(Redacting(model_dir))
        self.model_name = model_name
        self.make_model = make_model

    def load_models(self) -> None:
        """Load all models, each in its newest version that answers. Raises ModelError if one has none, or if there is
        no model.
        """
        root = fetch(self.models_dir)
        for name in names_in(root, self.model_name, shown(self.models_dir)):
            if not re.fullmatch("[a-zA-Z0-9_-]+", name):
                raise ModelError(f"model {name!r} cannot be asked for: KFServing's URLs take letters, digits, _ and -")
            self._load(name, directories_of(name, root, self.model_name, shown(self.models_dir)))

    async def load(self, name: str) -> bool:
        """Load or reload a model for the repository API; requests go on meanwhile.

        It loads the newest version, and no older one: whoever asks for it is told. Raises ModelError.
        """
        await asyncio.get_running_loop().run_in_executor(None, self._load_newest, name)
        return True

    def _load_newest(self, name: str) -> None:
        root = fetch(self.models_dir)
        self._load(name, [directory_of(name, root, self.model_name, shown(self.models_dir))])

    def _load(self, name: str, directories: list[Path]) -> None:
        """Load the first of `directories` that answers; only then does it take the place of the one of that name."""

        def load(directory: Path) -> ServingModel:
            model = self.make_model(name, directory)
            model.load()
            return model

        model = load_newest(directories, load, logger.warning, "the log says of each why")
        self.update(model)
        logger.info("Loaded model %s from %s, which runs on %s", name, model.model_dir, model.platform)


def fetch(model_dir: str) -> Path:
    """The directory that MODEL_DIR means, downloaded if it is an address. Raises ModelError."""
    if "://" not in model_dir:
        return Path(model_dir)
    reason = ""
    try:
        directory = Path(kfserving.Storage.download(model_dir))
        found = any(directory.iterdir())  # of an object store, nothing is no error to KFServing
    except Exception as error:  # each store's client raises its own
        reason = " ".join(redacted(str(error), model_dir).split()) or type(error).__name__
    if reason:  # outside of the block above: the error holds the address, and must not go along with this one
        raise ModelError(f"MODEL_DIR is {shown(model_dir)}, which cannot be downloaded: {reason}")
    if not found:
        raise ModelError(f"MODEL_DIR is {shown(model_dir)}, and nothing is there")
    return directory
