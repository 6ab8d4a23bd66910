"""Offers of HTTP/2 and of WebSockets, as some clients make them with every request: they change no answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from http_answers import HttpAnswer, read_answers
from running import Server
from three_models import NUMBERS, Served

pytestmark = pytest.mark.slow


class Connection:
    """A connection whose bytes are sent as they are given."""

    def __init__(self, served: Served) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.server.http), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *segments: bytes) -> None:
        for segment in segments:
            self.socket.sendall(segment)

    def answers(self) -> list[HttpAnswer]:
        """Read until the server closes the connection."""
        with self.socket:
            return read_answers(b"".join(iter(lambda: self.socket.recv(65536), b"")))


BODY = json.dumps({"instances": NUMBERS}).encode()
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


def post(headers: bytes = b"", body: bytes = BODY) -> bytes:
    """A prediction's request; `headers` are whole lines."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /v1/models/numbers:predict HTTP/1.1\r\nHost: h\r\n" + headers + length + b"\r\n" + body


def get(headers: bytes = b"", path: bytes = b"/v1/models/numbers") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n"


LAST = b"Connection: close\r\n"
CHUNKED = (
    b"POST /v1/models/numbers:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    + OFFER
    + b"\r\n5\r\n"
    + BODY[:5]
    + b"\r\n%x\r\n" % len(BODY[5:])
    + BODY[5:]
    + b"\r\n0\r\n\r\n"
)
SPELLINGS = {
    "as Java": OFFER,
    "capitals": OFFER.upper().replace(b"AAMAAABKAAQAAP__", b"AAMAAABkAAQAAP__"),
    "small": OFFER.lower(),
    "upgrade first": b"Upgrade: h2c\r\nConnection: HTTP2-Settings,Upgrade\r\nHTTP2-Settings: AA\r\n",
    "two lines": b"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n",
    "other protocols": b"Connection: Upgrade\r\nUpgrade: TLS/1.0, h2c\r\n",
    "no Connection": b"Upgrade: h2c\r\n",
    "Connection alone": b"Connection: Upgrade\r\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("split", ["whole", "head and body", "byte by byte"])
def test_an_offered_upgrade_changes_no_answer(on_any: Served, spelling: str, split: str) -> None:
    request = post(SPELLINGS[spelling])
    head = len(request) - len(BODY)
    segments = {
        "whole": [request],
        "head and body": [request[:head], request[head:]],
        "byte by byte": [request[i : i + 1] for i in range(len(request))],
    }
    connection = Connection(on_any)
    connection.send(*segments[split], post(LAST))
    expected = {"predictions": on_any.expected["numbers"]["predict"]}
    assert [(answer.status, json.loads(answer.body)) for answer in connection.answers()] == [(200, expected)] * 2


def test_requests_follow_one_that_offers_an_upgrade(on_any: Served) -> None:
    """On one connection: in one segment, chunked, without a body, and twice the offer."""
    connection = Connection(on_any)
    connection.send(post(OFFER) + CHUNKED + get(OFFER) + post(OFFER) + post() + get() + post(OFFER) + post(LAST))
    answers = connection.answers()
    assert [answer.status for answer in answers] == [200] * 8
    expected = on_any.expected["numbers"]["predict"]
    assert [json.loads(answers[i].body).get("predictions") for i in (0, 1, 3, 4, 6, 7)] == [expected] * 6


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_the_connection_is_closed_where_the_offer_asks_for_it(on_kserve: Served, version: bytes) -> None:
    connection = Connection(on_kserve)
    offer = b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n"
    connection.send(post(offer).replace(b"HTTP/1.1", version))
    (answer,) = connection.answers()
    assert (answer.status, json.loads(answer.body)) == (200, {"predictions": on_kserve.expected["numbers"]["predict"]})


@pytest.mark.parametrize("spelling", [b"100-continue", b"100-Continue"])
def test_a_client_that_asks_first_is_told_to_go_on(on_any: Served, spelling: bytes) -> None:
    """In Java's spelling too, which waits for ever if it is not."""
    connection = Connection(on_any)
    request = post(OFFER + b"Expect: " + spelling + b"\r\n")
    head = len(request) - len(BODY)
    connection.send(request[:head])
    assert connection.socket.recv(65536).startswith(b"HTTP/1.1 100 ")
    connection.send(request[head:], post(LAST))
    assert [answer.status for answer in connection.answers()] == [200, 200]


def test_a_wrong_request_stays_wrong(on_any: Served) -> None:
    """Two lengths are one too many, with or without the offer."""
    for headers in (b"Content-Length: 3\r\n", OFFER + b"Content-Length: 3\r\n"):
        connection = Connection(on_any)
        connection.send(post(headers), get(LAST))
        assert connection.answers()[0].status == 400


def test_an_upgrade_to_a_websocket_is_ignored(on_kserve: Served) -> None:
    """There is none to connect to, and HTTP/1.1 goes on."""
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    connection = Connection(on_kserve)
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + key
    connection.send(get(offer), post(offer), get(LAST))
    assert [answer.status for answer in connection.answers()] == [200, 200, 200]


def test_a_server_without_httptools_is_uvicorns_other_one(install: Callable[[str, str], Path]) -> None:
    """h11, which uvicorn takes where httptools is not installed, knows what to do with an offered upgrade."""
    start = "from sklearnserver.inferencer.__main__ import main; main()"
    project = install("sklearn", "kserve")
    with Server(
        project, MODEL_NAME="numbers", program=f"import sys; sys.modules['httptools'] = None; {start}"
    ) as server:
        connection = Connection(Served(server, {}, np.empty(0)))
        connection.send(post(OFFER), post(LAST))
        assert [answer.status for answer in connection.answers()] == [200, 200]
