"""Promises of compressed bodies: whatever compressed them, they are read in small steps; answers are as was asked."""

from __future__ import annotations

import gzip
import zlib
from typing import Any, Callable, Dict

import numpy as np
import pytest
from _engine.protocol import codings
from _engine.protocol.codings import coding_for, coding_of, compressed, decoded
from _engine.protocol.media import Unsupported
from _engine.protocol.tensors import InvalidRequest

#: `backports.zstd`, or what KFServing has in its place.
zstd: Any = codings.zstd


def _raw(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def _in_pieces(body: bytes) -> bytes:
    """As a client that does not know the size writes it."""
    stream = zstd.ZstdCompressor()
    parts = [stream.compress(body[at : at + 1000], zstd.ZstdCompressor.FLUSH_BLOCK) for at in range(0, len(body), 1000)]
    return b"".join([*parts, stream.flush()])


WRITERS: Dict[str, Any] = {
    "gzip": ("gzip", gzip.compress),
    "gzip, two files": ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    "deflate": ("deflate", zlib.compress),
    "deflate, raw": ("deflate", _raw),
    "zstd": ("zstd", zstd.compress),
    "zstd, two frames": ("zstd", lambda body: zstd.compress(body[:9]) + zstd.compress(body[9:])),
    "zstd, in pieces": ("zstd", _in_pieces),
}
NOISE = np.random.default_rng(0).bytes(700_000)
BODIES = {
    "nothing": b"",
    "little": b'{"instances": [[1]]}',
    "noise": NOISE,
    "zeros": bytes(3_000_000),
    "a step": bytes(codings.STEP),
    "mixed": NOISE[:100_000] + bytes(2_000_000) + NOISE[:100_000],
}
writers = pytest.mark.parametrize(("coding", "write"), WRITERS.values(), ids=WRITERS)


@writers
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_is_read_in_steps(coding: str, write: Callable[[bytes], bytes], body: bytes) -> None:
    parts = list(decoded(coding, write(body)))
    assert b"".join(parts) == body
    assert all(len(part) <= codings.STEP for part in parts)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_others_have_their_turn_between_empty_files(coding: str) -> None:
    """A hundred thousand of them in a megabyte took two seconds, in which nothing else was answered."""
    write = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}[coding]
    parts = list(decoded(coding, write(b"") * 1000 + write(b"1")))
    assert len(parts) > 1000
    assert b"".join(parts) == b"1"


@writers
def test_a_bomb_is_as_small_as_what_was_read_of_it(coding: str, write: Callable[[bytes], bytes]) -> None:
    """Nothing is decompressed before it is asked for."""
    steps = decoded(coding, write(bytes(50_000_000)))
    assert len(next(steps)) + len(next(steps)) <= 2 * codings.STEP


@writers
@pytest.mark.parametrize("body", [b'{"instances": [[1]]}', NOISE], ids=["little", "noise"])
def test_a_body_that_is_damaged_or_cut_off_is_the_clients_mistake(
    coding: str, write: Callable[[bytes], bytes], body: bytes
) -> None:
    whole = write(body)
    for wrong in (b"", whole[:-1], whole[: len(whole) // 2], b"not compressed at all", whole + b"tail"):
        with pytest.raises(InvalidRequest, match=coding):
            list(decoded(coding, wrong))


def test_a_client_cannot_make_the_server_reserve_memory() -> None:
    """zstd's windows are of up to 2 GB; HTTP allows 8 MB."""
    body = bytes(1000)

    def written(window: int) -> bytes:
        if hasattr(zstd, "CParameter"):  # pyzstd's names
            stream = zstd.ZstdCompressor({zstd.CParameter.windowLog: window})
        else:
            stream = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window})
        return stream.compress(body) + stream.flush()

    assert b"".join(decoded("zstd", written(23))) == body
    with pytest.raises(InvalidRequest, match="zstd"):
        list(decoded("zstd", written(24)))


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("X-GZip", "gzip"),
        (" Deflate ", "deflate"),
        ("zstd, identity", "zstd"),
    ],
)
def test_codings_have_names(header: str, coding: str) -> None:
    assert coding_of(header.encode()) == coding


@pytest.mark.parametrize("header", ["br", "compress", "gzip, gzip", "gzip, br", "\xff"])
def test_unknown_codings_are_named_and_so_is_what_is_known(header: str) -> None:
    with pytest.raises(Unsupported) as error:
        coding_of(header.encode("latin-1"))
    assert "Content-Encoding" in str(error.value)
    assert all(name.strip() in str(error.value) for name in header.split(","))


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("gzip;q=0.5, *;q=0.1", "gzip"),
        ("*", "zstd"),
        ("GZIP ; Q=0.8", "gzip"),
        ("gzip;q=0", ""),
        ("gzip;q=0.5, identity", ""),
        ("br", ""),
        ("identity", ""),
        ("gzip;q=x", ""),
        ("", ""),
    ],
)
def test_an_answer_is_compressed_as_its_client_likes_best(accepted: str, coding: str) -> None:
    assert coding_for(accepted.encode()) == coding


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_answers_are_read_by_others(coding: str) -> None:
    body = BODIES["mixed"]
    read: Dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "zstd": zstd.decompress,
    }
    found = compressed(coding, body)
    assert read[coding](found) == body
    assert len(found) < len(body) / 5
