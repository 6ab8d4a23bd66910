"""Loading, reloading and unloading models by name while the server runs.

Where they are: artifact/versions.py, storage.py. The content of a store is downloaded again whenever a
model is loaded or reloaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kserve
from kserve.errors import ModelNotFound, ModelNotReady
from kserve.logging import logger
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from ..artifact.versions import NoSuchModel
from ..contract.errors import ModelError
from ..serving.index import index
from ..serving.loading import Loader
from .model import ServingModel
from .storage import Location
from .telemetry import hide_model, show_model


class LoadFailed(ModelNotReady):
    """A model could not be loaded; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.error_msg = self.reason = reason


class ServingRepositoryExtension(ModelRepositoryExtension):
    """KServe's repository API, with the reason of a failed load on REST and gRPC alike. Who may use it: access.py."""

    async def load(self, model_name: str) -> dict[str, Any]:
        try:
            await self._model_registry.load(model_name)
        except NoSuchModel as error:
            missing = ModelNotFound(model_name)
            missing.reason = str(error)
            raise missing from None
        except Exception as error:
            raise LoadFailed(f"Model {model_name} was not loaded; the previous one stays: {error}") from error
        return {"name": model_name, "load": True}

    async def unload(self, model_name: str) -> dict[str, Any]:
        await super().unload(model_name)
        return {"name": model_name, "unload": True}


class ServingModelRepository(kserve.ModelRepository):
    """The models below `models_dir`, a directory or an address, or the one model there, under `model_name`.

    `make_model(name, directory)` makes a `ServingModel` that is still to be loaded.
    """

    #: Whether a server without a model is ready.
    may_be_empty = False
    #: Whether KServe logs how long a model takes over the requests that it answers itself.
    enable_latency_logging = False

    def __init__(
        self, models_dir: Path | str, model_name: str, make_model: Callable[[str, Path], ServingModel]
    ) -> None:
        super().__init__(str(models_dir))
        location = Location(str(models_dir))
        self._shown = location.shown
        self._loader = Loader(location.fetch, location.shown, model_name, make_model, self._publish)

    def load_models(self, allow_none: bool = False) -> None:
        """Load all models, each in its newest version that answers. Raises ModelError if one has none, or if there is
        no model and `allow_none` does not say that this may be.
        """
        self.may_be_empty = allow_none
        self._loader.load_all(allow_none, _check)

    def index(self) -> list[dict[str, str]]:
        """Each version of each model, its state and the reason for it."""
        return index(self.get_models().values(), self._loader.names(), self._loader.failed)

    async def load(self, name: str) -> bool:
        """Load or reload a model for KServe's repository API; requests go on meanwhile."""
        return await asyncio.to_thread(self.load_model, name)

    def load_model(self, name: str) -> bool:
        """Load the newest version of a model, and no older one: whoever asks for it is told. Raises ModelError."""
        self._loader.load(name)
        return True

    def unload(self, name: str) -> None:
        super().unload(name)
        hide_model(name)
        logger.info("Unloaded model %s", name)

    def _publish(self, model: ServingModel) -> None:
        model.enable_latency_logging = self.enable_latency_logging
        self.update(model)
        show_model(model.name, model.version, model.platform, model.watch)
        version = f", version {model.version}," if model.version else ""
        logger.info(
            "Loaded model %s%s from %s, which runs on %s: %s",
            model.name,
            version,
            self._shown,
            model.platform,
            model.answers,
        )


def _check(name: str) -> None:
    if name in (".", "..") or "/" in name or name != name.strip() or not name.isprintable():
        reason = "a name is one part of a URL's path, without slashes, line ends or spaces around it"
        raise ModelError(f"model {name!r} cannot be requested: {reason}")
