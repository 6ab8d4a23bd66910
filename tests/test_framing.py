"""Which bytes are a request: what is beyond doubt is answered, and what is not is refused, told why, and left.

A proxy and a server that see different ends of a request take what a client hides in one for another one. Requests
are written to a socket, as bytes, each with a further one behind it that nobody may take for a part of the first.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from facts import SDKS
from http_answers import receive
from running import Server

pytestmark = pytest.mark.slow

BODY = json.dumps({"instances": [[5.1, 3.5, 1.4, 0.2]]}).encode()
PREDICT = "/v1/models/m:predict"
LENGTH = f"Content-Length: {len(BODY)}"
IN_CHUNKS = "Transfer-Encoding: chunked"
BEHIND = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"


def request(
    *headers: str, path: str = PREDICT, body: bytes = BODY, method: str = "POST", version: str = "1.1"
) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *headers, "", ""]).encode("latin-1") + body


def chunks(extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """The body in two chunks."""
    parts = [b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in (BODY[:5], BODY[5:])]
    return b"".join([*parts, b"0\r\n", trailers, b"\r\n"])


def in_chunks(body: bytes, *headers: str) -> bytes:
    return request(*(headers or [IN_CHUNKS]), body=body)


def of_length(*lengths: str) -> bytes:
    return request(*(f"Content-Length: {length}" for length in lengths))


SIZE = str(len(BODY))
TAKEN = {
    "a length": request(LENGTH),
    "chunks": in_chunks(chunks()),
    "chunks in capitals": in_chunks(chunks(), "TRANSFER-ENCODING: Chunked"),
    "chunks with extensions": in_chunks(chunks(b';a=b;c="d"')),
    "chunks with trailers": in_chunks(chunks(trailers=b"X-Any: a\r\nX-Other: b\r\n")),
    "an empty line before": b"\r\n" + request(LENGTH),
    "an absolute target": request(LENGTH, path="http://elsewhere:80" + PREDICT),
    "a target in capitals": request(LENGTH, path="HTTP://elsewhere" + PREDICT),
    "an escaped colon": request(LENGTH, path="/v1/models/m%3Apredict"),
    "escaped letters": request(LENGTH, path="/v1/models/%6d%3apredict"),
    "a query": request(LENGTH, path=PREDICT + "?a=%00&b"),
    "a header like another one": request(LENGTH, "Transfer_Encoding: chunked"),
    "an offer of HTTP/2": request(LENGTH, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM"),
}
REFUSED = {
    "a length and chunks": in_chunks(chunks(), LENGTH, IN_CHUNKS),
    "chunks and a length": in_chunks(chunks(), IN_CHUNKS, LENGTH),
    "two lengths": of_length(SIZE, "3"),
    "a length twice": of_length(SIZE, SIZE),
    "a list of lengths": of_length(f"{SIZE}, {SIZE}"),
    "a length with a sign": of_length(f"+{SIZE}"),
    "a negative length": of_length("-1"),
    "no length in it": of_length(""),
    "a hexadecimal length": of_length("0x24"),
    "a length with a space": of_length("3 6"),
    "a length with a word": of_length("3_6"),
    "a length beyond measure": of_length("9" * 40),
    "a length before a space": request(f"Content-Length : {SIZE}"),
    "chunks before a space": in_chunks(chunks(), "Transfer-Encoding : chunked"),
    "chunks on a line of their own": in_chunks(chunks(), "Transfer-Encoding:\r\n chunked"),
    "chunks behind a control": in_chunks(chunks(), "Transfer-Encoding: \x0bchunked"),
    "chunks before a control": in_chunks(chunks(), "Transfer-Encoding: chunked\x0b"),
    "chunks twice": in_chunks(chunks(), IN_CHUNKS, IN_CHUNKS),
    "chunks of chunks": in_chunks(chunks(), "Transfer-Encoding: chunked, chunked"),
    "packed chunks": in_chunks(chunks(), "Transfer-Encoding: gzip, chunked"),
    "chunks that end otherwise": in_chunks(chunks(), "Transfer-Encoding: chunked, identity"),
    "an unknown coding": in_chunks(chunks(), "Transfer-Encoding: xchunked"),
    "an unknown coding and a length": request("Transfer-Encoding: identity", LENGTH),
    "a chunk of less than nothing": in_chunks(b"-1\r\n" + chunks()),
    "a chunk with a prefix": in_chunks(b"0x5\r\n" + chunks()),
    "a chunk beyond measure": in_chunks(b"f" * 17 + b"\r\n" + chunks()),
    "a chunk without a size": in_chunks(b"\r\n" + chunks()),
    "a chunk longer than it says": in_chunks(b"3\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunks by line feeds": in_chunks(chunks().replace(b"\r\n", b"\n")),
    "an extension with a line feed": in_chunks(chunks(b";a\nb")),
    "lines by line feeds": request(LENGTH).replace(b"\r\n", b"\n"),
    "a header behind a line feed": in_chunks(chunks(), f"X-Any: a\n{IN_CHUNKS}"),
    "a header behind a carriage return": in_chunks(chunks(), f"X-Any: a\r{IN_CHUNKS}"),
    "a header with a NUL": request(LENGTH, "X-Any: a\0b"),
    "a header over two lines": request(LENGTH, "X-Any: a\r\n b"),
    "a name with a space": request(LENGTH, "X Any: a"),
    "a name that is empty": request(LENGTH, ": a"),
    "no name": request(LENGTH, "chunked"),
    "a target with a space": request(LENGTH, path=PREDICT + " a"),
    "a target with a control": request(LENGTH, path=PREDICT + "\x01"),
    "a method with a space": request(LENGTH, method="PO ST"),
    "a method of no letters": request(LENGTH, method="PO\xffST"),
    "HTTP/3": request(LENGTH, version="HTTP/3.0"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "TLS": b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3 hello\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
}


@pytest.fixture(scope="module", params=list(SDKS))
def server(request: pytest.FixtureRequest, install: Callable[..., Path]) -> Iterator[Server]:
    with Server(install("sklearn", request.param)) as server:
        yield server
        assert "Traceback" not in server.log


def answers(server: Server, sent: bytes, count: int) -> list[tuple[int, bytes]]:
    """Status and body of as many answers as come, up to `count`: fewer where the server ends the connection."""
    with socket.create_connection(("127.0.0.1", server.http), timeout=30) as connection:
        connection.sendall(sent)
        found = receive(connection, count)
    return [(int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]) for answer in found]


@pytest.mark.parametrize("name", TAKEN)
def test_a_request_that_ends_beyond_doubt_is_answered_and_the_one_behind_it_too(server: Server, name: str) -> None:
    (status, body), (behind, _) = answers(server, TAKEN[name] + BEHIND, 2)
    assert (status, json.loads(body), behind) == (200, {"predictions": [0]}, 200)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_or_may_be_two_is_refused_and_nothing_behind_it_is_read(server: Server, name: str) -> None:
    ((status, body),) = answers(server, REFUSED[name] + BEHIND, 2)
    error = json.loads(body)
    assert (status, list(error)) == (400, ["error"])
    assert error["error"] and "X-Any" not in error["error"]
