"""Bytes over gRPC that are no message: a mistake of the client's, which gRPC answers with UNKNOWN and a class's name.
And refusals that repeat so much of a message that no client could read them.

Not here: what is in messages that can be read. Predictions are refused in service.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from ..protocol.tensors import carried


async def refuse(context: grpc.aio.ServicerContext, error: DecodeError) -> None:
    """Answer INVALID_ARGUMENT, and say why. Raises what ends a call of gRPC's."""
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the bytes are no message: {error}")


class _Readable:
    """A call whose refusals reach the client, whatever they repeat."""

    def __init__(self, context: grpc.aio.ServicerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> None:
        await self._context.abort(code, carried(details), trailing_metadata)


class RefuseUndecodable(grpc.aio.ServerInterceptor):
    """Answers INVALID_ARGUMENT in place of handlers that take one message. It comes before what else reads messages."""

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        decode, answer = handler.request_deserializer, handler.unary_unary

        def decode_or_say_why(content: bytes) -> Any:
            try:
                return decode(content)
            except DecodeError as error:
                return error

        async def answer_or_refuse(message: Any, context: grpc.aio.ServicerContext) -> Any:
            if isinstance(message, DecodeError):
                await refuse(context, message)
            return await answer(message, _Readable(context))

        return grpc.unary_unary_rpc_method_handler(answer_or_refuse, decode_or_say_why, handler.response_serializer)
