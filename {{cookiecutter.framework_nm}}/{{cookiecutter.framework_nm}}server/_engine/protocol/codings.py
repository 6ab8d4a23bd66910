"""How bodies are compressed: what the headers Content-Encoding and Accept-Encoding say, and doing so.

Not here: what is in a body, how large it may be, and which answers are worth it (serving/rest.py).
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Dict

from .media import Unsupported
from .tensors import InvalidRequest

try:
    from backports import zstd as zstd  # the standard library's, from Python 3.14 on
except ImportError:  # for the Pythons of KFServing there is no such thing, but its model
    import pyzstd as zstd  # type: ignore[no-redef, unused-ignore]

#: Bytes of a body that are decoded at a time, about a millisecond's work.
STEP = 262_144
#: Bytes of a compressed body that are looked at together: zlib copies what it leaves of them at each step.
_SLICE = 65_536
#: ZSTD_d_windowLogMax: the 8 MB that RFC 9659 sets for HTTP. A decoder takes so much memory at once.
_WINDOW = {100: 23}
#: Of each kind the fastest: the next ones take twice the time to save a few percent.
_LEVEL = 1

_DECODERS: Dict[str, Callable[[bytes], Any]] = {
    "gzip": lambda body: zlib.decompressobj(31),
    "deflate": lambda body: zlib.decompressobj(15 if _is_zlib(body) else -15),
    "zstd": lambda body: zstd.ZstdDecompressor(None, _WINDOW),
}
_NAMES = {name: name for name in _DECODERS}
_NAMES.update({"x-gzip": "gzip", "identity": "", "": ""})


def _is_zlib(body: bytes) -> bool:
    """Whether deflated bytes begin as they should: some clients send them without the two bytes of RFC 1950."""
    return len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0


def coding_of(header: bytes) -> str:
    """Read Content-Encoding: a coding that `decoded` knows, or "". Raises Unsupported."""
    names = [name.strip() for name in header.decode("latin-1").lower().split(",")]
    found = [name for name in names if _NAMES.get(name, name)]
    if len(found) > 1:
        raise Unsupported(f"Content-Encoding: a body may be compressed once, and not by {', '.join(found)}")
    if not found:
        return ""
    if found[0] not in _NAMES:
        raise Unsupported(f"Content-Encoding: {found[0]!r} is not known here; {', '.join(_DECODERS)} are")
    return _NAMES[found[0]]


def decoded(coding: str, body: bytes) -> Iterator[bytes]:
    """Decompress a body, at most `STEP` bytes at a time, or none where files in it are empty: each takes its time, too.

    Raises InvalidRequest where it is damaged or cut off.
    """
    stream, view = _DECODERS[coding](body), memoryview(body)
    try:
        for start in range(0, len(body), _SLICE):
            rest: Any = view[start : start + _SLICE]
            while True:
                if stream.eof and rest:  # files may be compressed one by one, and joined
                    stream = _DECODERS[coding](rest)
                part = stream.decompress(rest, STEP)
                yield part
                rest = stream.unused_data if stream.eof else getattr(stream, "unconsumed_tail", b"")
                if not rest and (stream.eof or len(part) < STEP):
                    break
    except (zlib.error, zstd.ZstdError) as error:
        raise InvalidRequest(f"the body cannot be decompressed as {coding}: {error}") from None
    if not stream.eof:
        raise InvalidRequest(f"the body ends in the middle of what is compressed as {coding}")


@functools.lru_cache(maxsize=256)
def coding_for(accepted: bytes) -> str:
    """Read Accept-Encoding: the coding for an answer that a client likes best, or ""."""
    weights: Dict[str, float] = {}
    for item in accepted.decode("latin-1").lower().split(","):
        name, _, parameter = (part.strip() for part in item.partition(";"))
        weights[name] = _weight(parameter)
    # What is liked equally is tried in this order: zstd is faster than gzip, and makes answers smaller.
    liked = {name: weights.get(name, weights.get("*", 0.0)) for name in ("zstd", "gzip", "deflate")}
    best = max(liked, key=lambda name: liked[name])
    return best if liked[best] > weights.get("identity", 0.0) or liked[best] == 1 else ""


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def compressed(coding: str, body: bytes) -> bytes:
    """Compress an answer, fast rather than well."""
    if coding == "zstd":
        found: bytes = zstd.compress(body, _LEVEL)
        return found
    stream = zlib.compressobj(_LEVEL, wbits=31 if coding == "gzip" else 15)
    return stream.compress(body) + stream.flush()
