"""Who may use the repository API, over REST and gRPC, and which web pages may read answers.

Which requests are refused: serving/access.py.
"""

from __future__ import annotations

from typing import Any

import grpc
from grpc_interceptor.exceptions import GrpcException
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..serving.access import EXPOSED, METHODS, Access
from .versions import VersionedServicer


def share(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """Let web pages of these origins ask `app` and read what it answers, errors included; it is all of the server."""
    if not origins:
        return app
    return CORSMiddleware(app, origins, METHODS, allow_headers=("*",), expose_headers=EXPOSED)


class RepositoryAccess:
    """An ASGI application in front of KServe's, `app`: the repository API over REST, for those who may use it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and scope["path"].startswith("/v2/repository/"):
            headers = dict(scope["headers"])
            refused = self.access.refusal(b"origin" in headers, headers.get(b"authorization", b"").decode("latin-1"))
            if refused:
                app = JSONResponse({"error": refused.message}, refused.status, dict(refused.headers))
        await app(scope, receive, send)


class GuardedServicer(VersionedServicer):
    """The repository API over gRPC, for those who may use it."""

    def __init__(self, access: Access, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._access = access

    def _admit(self, context: grpc.aio.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata() or ())
        refused = self._access.refusal("origin" in metadata, str(metadata.get("authorization", "")))
        if refused:
            # The one kind that KServe passes on without a traceback in the log.
            raise GrpcException(status_code=grpc.StatusCode[refused.code], details=refused.message)

    async def RepositoryModelLoad(
        self, request: pb.RepositoryModelLoadRequest, context: Any
    ) -> pb.RepositoryModelLoadResponse:
        self._admit(context)
        return await super().RepositoryModelLoad(request, context)

    async def RepositoryModelUnload(
        self, request: pb.RepositoryModelUnloadRequest, context: Any
    ) -> pb.RepositoryModelUnloadResponse:
        self._admit(context)
        return await super().RepositoryModelUnload(request, context)
