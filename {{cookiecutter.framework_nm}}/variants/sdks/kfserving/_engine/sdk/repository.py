"""Loading, reloading and unloading models by name while the server runs, from a directory or an address.

Where they are in a directory: artifact/versions.py.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import kfserving
from kfserving.kfmodel_repository import KFModelRepository

from ..artifact.addresses import redacted, shown
from ..contract.errors import ModelError
from ..serving.loading import Fetched, Loader, local, new_folder
from .model import ServingModel

logger = logging.getLogger(__name__)


class ServingModelRepository(KFModelRepository):
    """The models below `model_dir`, or the one model there, under `model_name`.

    `model_dir` is a directory, or an address that `kfserving.Storage` downloads from: gs://, s3://, https://, file://.
    `make_model(name, directory)` makes a `ServingModel` that is still to be loaded.
    """

    def __init__(self, model_dir: str, model_name: str, make_model: Callable[[str, Path], ServingModel]) -> None:
        super().__init__(model_dir)
        self._loader = Loader(partial(fetch, model_dir), shown(model_dir), model_name, make_model, self._publish)

    def load_models(self, allow_none: bool = False) -> None:
        """Load all models, each in its newest version that answers. Raises ModelError if one has none, or if there is
        no model and `allow_none` does not say that this may be.
        """
        self._loader.load_all(allow_none, _check)

    async def load(self, name: str) -> bool:
        """Load or reload a model for the repository API; requests go on meanwhile. Raises ModelError."""
        await asyncio.get_running_loop().run_in_executor(None, self._loader.load, name)
        return True

    def unload(self, name: str) -> None:
        super().unload(name)
        logger.info("Unloaded model %s", name)

    def _publish(self, model: ServingModel) -> None:
        self.update(model)
        logger.info(
            "Loaded model %s from %s, which runs on %s: %s", model.name, model.model_dir, model.platform, model.answers
        )


def _check(name: str) -> None:
    if not re.fullmatch("[a-zA-Z0-9_-]+", name):
        raise ModelError(f"model {name!r} cannot be requested: KFServing's URLs take letters, digits, _ and -")


def fetch(model_dir: str) -> Fetched:
    """The directory that MODEL_DIR means, downloaded if it is an address. Raises ModelError."""
    path = local(model_dir)
    if path:
        return Fetched(path)
    fetched = new_folder(shown(model_dir))
    reason = ""
    try:
        kfserving.Storage.download(model_dir, str(fetched.path))
    except Exception as error:  # each store's client raises its own
        reason = " ".join(redacted(str(error), model_dir).split()) or type(error).__name__
    if reason:  # outside the block above: that error holds the address, and must not become this one's context
        raise ModelError(f"MODEL_DIR is {shown(model_dir)}, which cannot be downloaded: {reason}")
    if not any(fetched.path.iterdir()):  # of an object store, nothing is no error to KFServing
        raise ModelError(f"MODEL_DIR is {shown(model_dir)}, but nothing is there")
    return fetched
