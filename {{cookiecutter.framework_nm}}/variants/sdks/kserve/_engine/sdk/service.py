"""Predictions over gRPC: KServe's service, in which a request is answered as over REST.

How tensors of its messages are read and written is in messages.py.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import grpc
from grpc_interceptor.exceptions import GrpcException
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelInferResponse
from kserve.protocol.infer_type import to_http_parameters

from ..serving import large
from ..serving.access import Access
from ..serving.calls import CARRIED, Call, Desk
from ..serving.failures import Failed
from .access import GuardedServicer
from .messages import decode, to_grpc
from .model import ServingModel


class Servicer(GuardedServicer):
    """KServe's, except for predictions, which it would neither admit, nor count, nor log."""

    def __init__(self, desk: Desk[ServingModel], access: Access, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._desk = desk
        self.access = access

    async def ModelInfer(self, request: ModelInferRequest, context: grpc.aio.ServicerContext) -> ModelInferResponse:
        size, written = request.ByteSize(), 0
        carried = _carried(context)
        if carried:
            context.set_trailing_metadata(carried)
        request_id = dict(carried).get("x-request-id")
        call = Call(self._desk, "grpc", request.model_name, request.model_version, size, request_id)
        if self._desk.trace:
            metadata = {name: str(value) for name, value in context.invocation_metadata() or ()}
            call.trace = self._desk.trace(call.name, call.way, "inference.GRPCInferenceService/ModelInfer", metadata)
        try:
            call.complete = call.arrived(size)
            answer = await call.run(functools.partial(self._answer, call, request))
            written = answer.ByteSize()
            return answer
        except Failed as error:
            # The one kind that KServe passes on without a traceback in the log.
            raise GrpcException(status_code=grpc.StatusCode[error.outcome.code], details=str(error)) from None
        finally:
            call.end(written)

    async def _answer(self, call: Call[ServingModel], message: ModelInferRequest) -> ModelInferResponse:
        start = time.perf_counter()
        model = call.model
        for item in message.inputs:
            model.decoder.check_input(item.name, item.datatype.upper(), to_http_parameters(item.parameters))
        wanted = [(output.name, to_http_parameters(output.parameters)) for output in message.outputs]
        given = to_http_parameters(message.parameters)
        request = model.decoder.request(decode(message), given, message.id, wanted)
        call.hold(len(request.X))
        call.step("decode", start)
        outputs = await large.answer(model, request, call.trace)
        predicted = time.perf_counter()
        answer = to_grpc(model.name, model.version, message, outputs)
        call.step("encode", predicted)
        return answer


def _carried(context: grpc.aio.ServicerContext) -> tuple[tuple[str, str], ...]:
    """The metadata of a request that its answer carries, too."""
    return tuple((name, str(value)) for name, value in context.invocation_metadata() or () if name in CARRIED)
