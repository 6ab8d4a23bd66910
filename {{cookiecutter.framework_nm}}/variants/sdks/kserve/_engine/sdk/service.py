"""Predictions over gRPC: a request is answered as over REST, by a handler that stands before KServe's service.

How tensors of its messages are read and written is in messages.py.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest
from kserve.protocol.infer_type import to_http_parameters

from ..serving import large
from ..serving.calls import CARRIED, Call, Desk
from ..serving.failures import Failed
from .gathering import Gathering
from .messages import decode, to_grpc
from .model import ServingModel
from .undecodable import refuse

_METHOD = "inference.GRPCInferenceService/ModelInfer"


class GrpcPredictions(grpc.aio.ServerInterceptor):
    """Answers predictions, which KServe's service would neither admit, nor count, nor log.

    It has to be the first interceptor: what others do to each request, such as a line in the log that nobody reads,
    takes longer than a light model.
    """

    def __init__(self, desk: Desk[ServingModel]) -> None:
        self._desk = desk
        self._gathered = Gathering()
        # Bytes both ways: their number is what is counted, and to ask a message for it is to write it once more.
        self._handler = grpc.unary_unary_rpc_method_handler(self._predict)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        return self._handler if details.method == f"/{_METHOD}" else await continuation(details)

    async def _predict(self, content: bytes, context: grpc.aio.ServicerContext) -> bytes | None:
        """Answer a message, or abort, which raises what ends the call."""
        try:
            request = ModelInferRequest.FromString(content)
        except DecodeError as error:
            await refuse(context, error)
            return None
        metadata = context.invocation_metadata() or ()
        carried = tuple((name, str(value)) for name, value in metadata if name in CARRIED)
        if carried:
            context.set_trailing_metadata(carried)
        size, written = len(content), 0
        request_id = dict(carried).get("x-request-id")
        call = Call(self._desk, "grpc", request.model_name, request.model_version, size, request_id)
        if self._desk.trace:
            headers = {name: str(value) for name, value in metadata}
            call.trace = self._desk.trace(call.name, call.way, _METHOD, headers)
        try:
            call.complete = call.arrived(size)
            answer = await call.run(functools.partial(self._answer, call, request))
            written = len(answer)
            return answer
        except Failed as error:
            code, reason = error.outcome.code, str(error)  # the error itself would hold this frame
        finally:
            call.end(written)
        await context.abort(grpc.StatusCode[code], reason)
        return None

    async def _answer(self, call: Call[ServingModel], message: ModelInferRequest) -> bytes:
        await self._gathered()
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
