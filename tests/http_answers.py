"""Reading the answers of a connection, one after another: as bytes, or by Python's own client."""

from __future__ import annotations

import http.client
import io
import socket
from email.message import Message
from typing import NamedTuple


def receive(connection: socket.socket, count: int) -> list[bytes]:
    """As many answers as come, up to `count`: fewer where the server ends the connection. All have a length."""
    found: list[bytes] = []
    rest = b""
    while len(found) < count:
        head, end, body = rest.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if end and len(body) >= size:
            found.append(head + end + body[:size])
            rest = body[size:]
            continue
        try:
            more = connection.recv(1 << 20)
        except ConnectionResetError:  # a server that closes without reading what is behind
            more = b""
        if not more:
            break
        rest += more
    assert rest == b"", rest
    return found


class HttpAnswer(NamedTuple):
    """An answer as a client reads it."""

    status: int
    headers: Message
    body: bytes


class _Stream(io.BytesIO):
    """What http.client reads several answers from, one after another."""

    def makefile(self, mode: str) -> _Stream:
        return self

    def close(self) -> None:
        """There may be another answer in it."""


def read_answers(received: bytes) -> list[HttpAnswer]:
    """Read all answers of a connection, in their order."""
    stream, found = _Stream(received), []
    while stream.tell() < len(received):
        response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]
        response.begin()
        found.append(HttpAnswer(response.status, response.headers, response.read()))
    return found
