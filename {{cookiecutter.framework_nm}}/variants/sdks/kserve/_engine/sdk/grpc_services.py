"""The services that any gRPC server may have: health, which probes and load balancers ask, and reflection.

By reflection clients such as grpcurl learn the messages from the server. Not here: the service of predictions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health_pb2 import DESCRIPTOR, HealthCheckRequest, HealthCheckResponse
from grpc_interceptor.exceptions import NotFound
from grpc_reflection.v1alpha import reflection
from kserve.protocol.grpc import grpc_predict_v2_pb2

from ..serving.drain import Drain
from .model import ServingDataPlane

_PREDICTIONS = grpc_predict_v2_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
_HEALTH = DESCRIPTOR.services_by_name["Health"].full_name
#: Seconds between two looks at what is watched.
_INTERVAL = 0.25


def add_services(server: grpc.aio.Server, dataplane: ServingDataPlane, drain: Drain) -> None:
    """Add health and reflection to a server that has KServe's service."""
    health_pb2_grpc.add_HealthServicer_to_server(Health(dataplane, drain), server)
    reflection.enable_server_reflection((_PREDICTIONS, _HEALTH, reflection.SERVICE_NAME), server)


class Health(health_pb2_grpc.HealthServicer):
    """Readiness as V2 has it, of the server as "" or by its service's name, and of each model by its name."""

    def __init__(self, dataplane: ServingDataPlane, drain: Drain) -> None:
        self._dataplane = dataplane
        self._drain = drain

    async def _look(self, service: str) -> Any:
        if service in ("", _PREDICTIONS):
            ready = await self._dataplane.ready()
        elif self._dataplane.model_registry.get_model(service) is None:
            return HealthCheckResponse.SERVICE_UNKNOWN
        else:
            ready = await self._dataplane.model_ready(service)
        return HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING

    async def Check(self, request: HealthCheckRequest, context: grpc.aio.ServicerContext) -> HealthCheckResponse:
        status = await self._look(request.service)
        if status == HealthCheckResponse.SERVICE_UNKNOWN:
            raise NotFound(details=f"Model with name {request.service} does not exist.")
        return HealthCheckResponse(status=status)

    async def Watch(
        self, request: HealthCheckRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[HealthCheckResponse]:
        """Say what it is and whenever that changes, until the server ends: it waits for what is in flight."""
        last = None
        while not self._drain.finishing:
            status = await self._look(request.service)
            if status != last:
                last = status
                yield HealthCheckResponse(status=status)
            await asyncio.sleep(_INTERVAL)
