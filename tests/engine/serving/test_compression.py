"""Promises of compressed requests and answers, and of bodies in forms that are not known, the same for each way in."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from _engine.protocol import codings
from _engine.serving.replies import Answer
from test_calls import HELD, WAYS, Server, arriving, content, error

#: `backports.zstd`, or what KFServing has in its place.
zstd: Any = codings.zstd
WRITERS: Dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
READERS: Dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": zstd.decompress,
}
every_way = pytest.mark.parametrize("way", list(WAYS))
every_coding = pytest.mark.parametrize("coding", list(WRITERS))


async def ask(server: Server, way: str, body: bytes, **headers: str) -> Answer:
    call = server.begin(way, len(body), **headers)
    try:
        return await call.answer(arriving(call, body))
    finally:
        call.end()


@every_way
@every_coding
def test_a_compressed_body_is_answered_as_any(tmp_path: Path, way: str, coding: str) -> None:
    async def main() -> None:
        server = Server(tmp_path)
        body = content(way, [2.0, None])
        answers = [await ask(server, way, body)]
        answers.append(await ask(server, way, WRITERS[coding](body), content_encoding=coding))
        assert [answer.status for answer in answers] == [200, 200]
        if "event" not in way:  # which have their time in them
            assert answers[0] == answers[1]
        cut_off = await ask(server, way, WRITERS[coding](body)[:-1], content_encoding=coding)
        assert (cut_off.status, coding in error(cut_off)) == (400, True)

    asyncio.run(main())


@every_way
@every_coding
def test_the_limit_counts_what_is_decompressed(tmp_path: Path, way: str, coding: str) -> None:
    """And no more memory is taken than it."""

    async def main() -> None:
        server = Server(tmp_path, body=3_000_000, bytes=3_000_000)
        bomb = WRITERS[coding](b" " * 20_000_000)
        call = server.begin(way, len(bomb), content_encoding=coding)
        tracemalloc.start()
        try:
            answer = await call.answer(arriving(call, bomb))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        call.end()
        assert answer.status == 413
        assert "--max_buffer_size" in error(answer)
        assert peak < 4_500_000
        assert (await server.ask(way)).status == 200

    asyncio.run(main())


@every_coding
def test_bytes_in_flight_are_those_that_are_decompressed(tmp_path: Path, coding: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, body=2000, bytes=2000)
        held = WRITERS[coding](content("v1", [HELD, "a" * 1000]))
        first = asyncio.ensure_future(ask(server, "v1", held, content_encoding=coding))
        await asyncio.sleep(0.05)
        refused = await ask(server, "v1", WRITERS[coding](content("v1", [1.0, "a" * 1000])), content_encoding=coding)
        assert (refused.status, "--max_bytes_in_flight" in error(refused)) == (503, True)
        server.owners.go_on.set()
        assert (await first).status == 200

    asyncio.run(main())


def test_others_have_their_turn_while_a_body_is_decompressed(tmp_path: Path) -> None:
    async def main() -> None:
        server = Server(tmp_path, body=3_000_000, bytes=3_000_000)
        body = gzip.compress(content("v1", [1.0, "a"]) + b" " * 2_500_000)
        large = asyncio.ensure_future(ask(server, "v1", body, content_encoding="gzip"))
        await asyncio.sleep(0)
        assert (await server.ask()).status == 200
        assert not large.done()
        assert (await large).status == 200

    asyncio.run(main())


#: Headers that nobody here knows, and what the answer names of them.
UNKNOWN = [
    ("content_encoding", "br", ["br", "gzip", "deflate", "zstd"]),
    ("content_encoding", "gzip, gzip", ["gzip, gzip"]),
    ("content_type", "application/x-npy", ["application/x-npy", "application/json", "text/csv"]),
    ("content_type", "multipart/form-data; boundary=x", ["multipart/form-data"]),
    ("content_type", "nonsense", ["nonsense"]),
    ("content_type", "application/cloudevents-batch+json", ["application/cloudevents-batch+json"]),
]


@pytest.mark.parametrize(("header", "value", "named"), UNKNOWN)
@pytest.mark.parametrize("way", [way for way in WAYS if "structured" not in way])  # whose type makes it an event
def test_unknown_forms_are_refused_before_the_body_is_read(
    tmp_path: Path, way: str, header: str, value: str, named: List[str]
) -> None:
    async def read() -> bytes:
        raise AssertionError("nobody needs the body")

    async def main() -> None:
        call = Server(tmp_path).begin(way, 100, **{header: value})
        answer = await call.answer(read)
        assert answer.status == 415
        assert all(name in error(answer) for name in named)

    asyncio.run(main())


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/x-www-form-urlencoded",  # curl's
        "text/plain;charset=UTF-8",  # fetch's
        "application/octet-stream",  # boto3's
    ],
)
def test_json_has_many_names(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        assert (await Server(tmp_path).ask(content_type=kind)).status == 200

    asyncio.run(main())


@pytest.mark.parametrize(
    ("way", "coding", "rows"),
    [*((way, "zstd", 5000) for way in WAYS), *(("v1", coding, 5000) for coding in WRITERS), ("v1", "gzip", 60_000)],
)
def test_a_large_answer_is_compressed_where_that_is_asked_for(tmp_path: Path, way: str, coding: str, rows: int) -> None:
    async def main() -> None:
        server = Server(tmp_path, body=10_000_000, bytes=10_000_000, rows=200_000)
        body = content(way, *[[1.0, "a"]] * rows)
        answer = await ask(server, way, body, accept_encoding=f"br, {coding}")
        headers = dict(answer.headers)
        assert (headers[b"content-encoding"], headers[b"vary"]) == (coding.encode(), b"accept-encoding")
        plain = await ask(server, way, body)
        assert b"content-encoding" not in dict(plain.headers)
        found = json.loads(READERS[coding](answer.body))
        if "structured" in way:
            found, wanted = found["data"], json.loads(plain.body)["data"]
        else:
            wanted = json.loads(plain.body)
        assert found == wanted
        assert answer.content_type == plain.content_type

    asyncio.run(main())


def test_small_answers_and_binary_ones_stay_as_they_are(tmp_path: Path) -> None:
    async def main() -> None:
        server = Server(tmp_path, body=1_000_000, bytes=1_000_000, rows=100_000)
        rows = json.loads(content("event, V2", *[[1.0, "a"]] * 10_000))
        rows["outputs"] = [{"name": "predict", "parameters": {"binary_data": True}}]
        for way, body in (("v1", content("v1", [1.0, "a"])), ("v2", json.dumps(rows).encode())):
            answer = await ask(server, way, body, accept_encoding="gzip")
            assert answer.status == 200
            assert b"content-encoding" not in dict(answer.headers)

    asyncio.run(main())
