"""How large a body is, and its JSON, and whether that takes long to decode. Not here: what it holds."""

from __future__ import annotations

from typing import Optional

from .tensors import InvalidRequest

#: Bytes from which on decoding would keep others waiting for longer than a thread costs.
LARGE = 200_000


def json_size(header: Optional[str]) -> Optional[int]:
    """Read Inference-Header-Content-Length: where V2's binary tensors begin; None without it. Raises InvalidRequest."""
    if header is None:
        return None
    if not header.isdecimal() or len(header) > 18:
        raise InvalidRequest("Inference-Header-Content-Length: expected a number of bytes")
    return int(header)


def takes_long(body: bytes, json_size: Optional[int]) -> bool:
    """Whether decoding a body keeps others waiting, whose binary tensors begin at `json_size`, if it has any: numbers
    among them are not even copied.
    """
    if json_size is None or b"BYTES" in body[: min(json_size, LARGE)]:
        return len(body) >= LARGE
    return json_size >= LARGE
