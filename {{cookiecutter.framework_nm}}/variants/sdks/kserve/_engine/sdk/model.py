"""The model as KServe sees it: its metadata, its readiness, and the server's.

Requests for predictions are answered by serving/rest.py, and over gRPC by service.py. The model itself is `MyModel` in
trainer/model.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import kserve
from kserve.protocol.dataplane import DataPlane

from ..serving.drain import Drain
from ..serving.model import Serving, not_live
from .telemetry import Telemetry


class ServingModel(Serving, kserve.Model):
    """Serves the model directory `model_dir` under a name, and counts and measures what it does."""

    def __init__(self, name: str, model_dir: Path, **settings: Any) -> None:
        super().__init__(name, model_dir, **settings)
        self.telemetry = Telemetry(name)

    def get_input_types(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "datatype": item.datatype, "shape": item.shape} for item in self.signature.inputs]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "datatype": item.datatype, "shape": item.shape} for item in self.outputs]


class ServingDataPlane(DataPlane):
    """KServe's, with honest readiness and liveness, and the versions that there are."""

    def __init__(self, repository: kserve.ModelRepository, drain: Drain, repository_api: bool) -> None:
        super().__init__(repository)
        self._drain = drain
        self._repository_api = repository_api

    def metadata(self) -> dict[str, Any]:
        # By the names that Triton gives them, and KServe.
        repository = ["model_repository", "model_repository_extension"] if self._repository_api else []
        return {**super().metadata(), "extensions": ["binary_tensor_data", *repository]}

    async def ready(self) -> bool:
        """Whether the server has a model, or may have none, has each of them ready, and is not about to end."""
        names = list(self.model_registry.get_models())
        ready = [await self.model_registry.is_model_ready(name) for name in names]
        some = bool(ready) or self.model_registry.may_be_empty
        return some and all(ready) and not self._drain.begun and await super().ready()

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """KServe asks before a request too, with its health check disabled: a server that drains still answers."""
        ready: bool = await super().model_ready(model_name, disable_predictor_health_check)
        return ready and (disable_predictor_health_check or not self._drain.begun)

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        metadata = await super().model_metadata(model_name)
        model = self.get_model_from_registry(model_name)
        found = {**metadata, "platform": model.platform}
        versions = await self.versions(model_name)
        if versions:
            found["versions"] = versions
        else:
            found.pop("versions", None)  # which KServe sets to null
        return found

    async def versions(self, model_name: str) -> list[str]:
        """The versions of a model, where it has any."""
        model = self.get_model_from_registry(model_name)
        return await asyncio.to_thread(lambda: model.versions)

    async def live(self) -> dict[str, str]:
        """For gRPC; REST's routes are those of health.py."""
        return {"status": not_live(self.model_registry.get_models().values()) or "alive"}
