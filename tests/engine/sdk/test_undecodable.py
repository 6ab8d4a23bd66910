"""Promises of refusals over gRPC: whatever a client sends, it can read why that is refused."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import grpc
import pytest
from google.protobuf.message import DecodeError

undecodable = importlib.import_module("_engine.sdk.undecodable")  # which mypy cannot find: see conftest.py


async def _repeats(message: str, context: grpc.aio.ServicerContext) -> None:
    await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no {message}")


def _decode(content: bytes) -> str:
    if content == b"?":
        raise DecodeError("no message")
    return content.decode()


async def _ask(content: bytes) -> grpc.aio.AioRpcError:
    server = grpc.aio.server(interceptors=[undecodable.RefuseUndecodable()])
    handlers = {"Ask": grpc.unary_unary_rpc_method_handler(_repeats, _decode)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("tests.Service", handlers)])
    port = server.add_insecure_port("localhost:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            ask: Any = channel.unary_unary("/tests.Service/Ask")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ask(content)
        return refused.value
    finally:
        await server.stop(None)


@pytest.mark.parametrize("name", ["model", "m" * 1_000_000, "é" * 1_000_000])
def test_a_refusal_is_read_whatever_it_repeats(name: str) -> None:
    error = asyncio.run(_ask(name.encode()))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert (error.details() or "").startswith(f"there is no {name[:100]}")


def test_bytes_that_are_no_message_are_the_clients_mistake() -> None:
    error = asyncio.run(_ask(b"?"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "the bytes are no message: no message"
