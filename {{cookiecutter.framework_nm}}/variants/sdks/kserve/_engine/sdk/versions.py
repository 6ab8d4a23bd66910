"""Versions of a model in KServe's paths and messages: the one that is served answers, and no other one.

KServe itself answers 501 to versioned paths, and drops the version of a gRPC message. Not here: which version is
served, and predictions, which calls.py answers.
"""

from __future__ import annotations

import re
from typing import Any

from kserve.errors import ModelNotFound
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.servicer import InferenceServicer
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..serving.model import Serving
from .repository import ServingModelRepository

#: Not those of predictions, which are counted, whatever their version.
_VERSIONED = re.compile("(/v2/models/([^/]+))/versions/([^/]+)((?!/infer$)/.*)?")


class NoSuchVersion(ModelNotFound):
    """A version of a model that is not served: 404 over REST, NOT_FOUND over gRPC."""

    def __init__(self, model: Serving, version: str) -> None:
        super().__init__(model.name)  # type: ignore[attr-defined]  # the SDK's
        self.reason = self.error_msg = model.other_version(version)


def check_version(model: Serving | None, version: str | None) -> None:
    """Raise NoSuchVersion where a client asks for a version that is not served; "" is whichever is."""
    if model and version and not model.is_version(version):
        raise NoSuchVersion(model, version)


class Versions:
    """An ASGI application in front of others, `app`: without its version, a versioned path is one that they know."""

    def __init__(self, app: ASGIApp, repository: ServingModelRepository) -> None:
        self.app = app
        self.repository = repository

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        found = scope["type"] == "http" and "/versions/" in scope["path"] and _VERSIONED.fullmatch(scope["path"])
        if found:
            start, name, version, end = found.groups()
            try:
                check_version(self.repository.get_model(name), version)
            except NoSuchVersion as error:
                app = JSONResponse({"error": error.error_msg}, 404)
            path = start + (end or "")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await app(scope, receive, send)


class VersionedServicer(InferenceServicer):
    """KServe's answers over gRPC about models, with versions honoured and listed."""

    def _check(self, name: str, version: str) -> None:
        check_version(self._data_plane.model_registry.get_model(name), version)

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Any) -> pb.ModelReadyResponse:
        self._check(request.name, request.version)
        return await super().ModelReady(request, context)

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Any) -> pb.ModelMetadataResponse:
        self._check(request.name, request.version)
        answer: pb.ModelMetadataResponse = await super().ModelMetadata(request, context)
        answer.versions.extend(await self._data_plane.versions(request.name))
        return answer
