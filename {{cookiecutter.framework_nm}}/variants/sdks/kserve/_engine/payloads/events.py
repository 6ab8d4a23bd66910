"""An event as KServe's logger posts it: CloudEvents 1.0, its attributes in headers, a request or an answer in its body.

Source: pkg/logger of https://github.com/kserve/kserve, by which the answer's event has the request's content type.
Not here: what is in a body.
"""

from __future__ import annotations

import urllib.parse
import zlib
from typing import Any, Mapping, NamedTuple, Optional

import orjson

from ..manifests.address import version

#: The ends of the types that events have, `org.kubeflow.serving.inference.request` and `....response`.
_REQUEST, _RESPONSE = "inference.request", "inference.response"
#: Of a pod's annotations, where KServe says which model it downloaded.
_SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"


class NoEvent(ValueError):
    """A request to the receiver that is no event of the logger's. The message is for whoever sent it."""


class Event(NamedTuple):
    """A request, or the answer to one, which has the same id. `name` is what the client calls it, if it does, and
    `json_size` where V2's binary tensors begin."""

    id: str
    name: str
    answers: bool
    time: str
    version: Optional[str]
    json_size: Optional[int]
    body: bytes


def read(headers: Mapping[str, str], body: bytes) -> Event:
    """Read an event; the headers' names are in small letters. Raises NoEvent."""
    identifier, kind = headers.get("ce-id", ""), headers.get("ce-type", "")
    if not identifier or not kind.endswith((_REQUEST, _RESPONSE)):
        raise NoEvent(
            f"expected an event of KServe's logger, with the headers ce-id and ce-type, ending in {_REQUEST} or "
            f"{_RESPONSE}"
        )
    metadata, annotations = (_object(headers.get(f"ce-{name}", "")) for name in ("metadata", "annotations"))
    size = _first(metadata, "Inference-Header-Content-Length")
    return Event(
        identifier,
        _first(metadata, "X-Request-Id") or identifier,
        kind.endswith(_RESPONSE),
        headers.get("ce-time", ""),
        version(str(annotations.get(_SOURCE, ""))) or None,
        int(size) if size.isdecimal() else None,
        body,
    )


def sampled(identifier: str, share: float) -> bool:
    """Whether an id is among a share of all; a request and its answer are, or are not, alike."""
    return zlib.crc32(identifier.encode()) < share * 2**32


def _object(text: str) -> Mapping[str, Any]:
    """An attribute that is JSON: plain, or percent-encoded, as the specification has it."""
    for written in (text, urllib.parse.unquote(text)):
        try:
            found = orjson.loads(written)
        except ValueError:
            continue
        return found if isinstance(found, dict) else {}
    return {}


def _first(headers: Mapping[str, Any], name: str) -> str:
    values = headers.get(name)
    return str(values[0]) if isinstance(values, list) and values else ""
