"""Promises of the end of a server: who has just connected is answered, and not cut off."""

from __future__ import annotations

import asyncio
import importlib
from types import SimpleNamespace
from typing import Any

server = importlib.import_module("_engine.sdk.server")  # which mypy cannot find: see conftest.py


def test_a_connection_that_was_just_accepted_is_closed_once_its_request_is_answered() -> None:
    """Its request is in the system's buffer, and is read in one of the next turns. To close it before resets it."""
    told: list[str] = []

    async def main() -> None:
        connections: list[Any] = []
        fresh = SimpleNamespace(cycle=None, scope=None)

        def read() -> None:
            fresh.scope = {}
            fresh.cycle = SimpleNamespace(scope=fresh.scope, response_complete=True)
            told.append("answered")

        def shutdown() -> None:
            told.append("closed")
            connections.remove(fresh)

        fresh.shutdown = shutdown
        connections.append(fresh)
        asyncio.get_running_loop().call_later(0.01, read)
        uvicorn_server = SimpleNamespace(started=True, servers=[], should_exit=False)
        await server.Server._finish_rest(SimpleNamespace(_uvicorn=uvicorn_server, _connections=connections))
        assert uvicorn_server.should_exit

    asyncio.run(main())
    assert told == ["answered", "closed"]
