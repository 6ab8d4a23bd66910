"""Bytes over gRPC that are no message: a mistake of the client's, which gRPC answers with UNKNOWN and a class's name.

Not here: messages that can be read, whatever is in them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]


async def refuse(context: grpc.aio.ServicerContext, error: DecodeError) -> None:
    """Answer INVALID_ARGUMENT, and say why. Raises what ends a call of gRPC's."""
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the bytes are no message: {error}")


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
            return await answer(message, context)

        return grpc.unary_unary_rpc_method_handler(answer_or_refuse, decode_or_say_why, handler.response_serializer)
