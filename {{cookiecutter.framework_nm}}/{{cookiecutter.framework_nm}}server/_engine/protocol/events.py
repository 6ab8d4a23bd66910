"""CloudEvents: the request that an event carries, and the event that answers it.

What the request means is a matter of requests.py. Source: CloudEvents 1.0 and its HTTP binding
(https://github.com/cloudevents/spec).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import os
import uuid
from typing import Any, Dict, Mapping, Optional, Tuple

import orjson

from .tensors import InvalidRequest

BINARY, STRUCTURED = "binary", "structured"

_REQUIRED = ("specversion", "source", "type", "id")
_BINARY_HEADERS = tuple(f"ce-{name}".encode() for name in _REQUIRED)
_CONTENT_TYPE = b"application/cloudevents+json"


def form(headers: Mapping[bytes, bytes]) -> Optional[str]:
    """The form of the event that a request is, its attributes in headers or in its body; None for other requests."""
    if b"ce-id" in headers and all(name in headers for name in _BINARY_HEADERS):
        return BINARY
    return STRUCTURED if headers.get(b"content-type", b"").startswith(_CONTENT_TYPE) else None


def data(form: str, body: bytes) -> bytes:
    """The request in an event. Raises InvalidRequest."""
    if form == BINARY:
        return body
    try:
        event: Any = orjson.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"the event is not JSON: {error}") from None
    missing = [name for name in _REQUIRED if not isinstance(event, dict) or not isinstance(event.get(name), str)]
    if missing:
        raise InvalidRequest(
            f"expected an event, an object with the strings {', '.join(_REQUIRED)}: {missing[0]} is missing"
        )
    if "data_base64" in event:
        try:
            return base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise InvalidRequest("data_base64: expected a string of base64") from None
    try:
        return orjson.dumps(event.get("data"))
    except TypeError:  # orjson reads deeper than it writes
        raise InvalidRequest("data: the event's data is nested too deep") from None


def answer(
    form: str, vendor: str, name: str, body: bytes, content_type: bytes
) -> Tuple[bytes, bytes, Tuple[Tuple[bytes, bytes], ...]]:
    """The event that carries an answer of the model `name`: its body, content type and headers.

    The variables CE_SOURCE and CE_TYPE set its source and type, as KServe documents them.
    """
    attributes: Dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": os.environ.get("CE_SOURCE", f"io.{vendor}.inference.{name}"),
        "type": os.environ.get("CE_TYPE", f"io.{vendor}.inference.response"),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    }
    if form == BINARY:
        return body, content_type, tuple((f"ce-{key}".encode(), value.encode()) for key, value in attributes.items())
    if content_type == b"application/json":
        attributes["data"] = orjson.Fragment(bytes(body))
    else:
        attributes.update(datacontenttype=content_type.decode(), data_base64=base64.b64encode(body).decode())
    return orjson.dumps(attributes), b"application/cloudevents+json", ()
