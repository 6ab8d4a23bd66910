"""In which form a body comes and in which its answer goes: what the headers Content-Type and Accept say.

Not here: reading and writing those forms, and how they are compressed (codings.py).
"""

from __future__ import annotations

import functools
from email.message import Message
from typing import NamedTuple, Optional

from .tensors import InvalidRequest

_JSON_LINES = "application/jsonlines"
_FORMS = {
    "text/csv": "text/csv",
    _JSON_LINES: _JSON_LINES,  # SageMaker's name
    "application/jsonl": _JSON_LINES,
    "application/x-ndjson": _JSON_LINES,
}
JSON = "application/json"
CSV = "text/csv"
JSON_LINES = _JSON_LINES
#: What clients call JSON, and V2's binary form, that do not know what they send: boto3, curl, and fetch with a string.
_UNAWARE = ("", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain")


class Unsupported(InvalidRequest):
    """A body is in a form, or compressed in a way, that is not known here."""


class Media(NamedTuple):
    """The forms of a request and of its answer: `JSON`, `CSV` or `JSON_LINES`."""

    reads: str = JSON
    writes: str = JSON
    #: Whether the first line of CSV has the columns' names; None where the client does not say.
    header: Optional[bool] = None


#: JSON, answered in JSON.
PLAIN = Media()


@functools.lru_cache(maxsize=256)
def media_of(content_type: str, accept: str = "") -> Media:
    """Read the two headers, "" where there is none.

    Raises Unsupported, or InvalidRequest where text is not in UTF-8.
    """
    kind = content_type.partition(";")[0].strip().lower()
    reads = _FORMS.get(kind, JSON)
    if reads == JSON:
        if kind != JSON and kind not in _UNAWARE:
            raise Unsupported(
                f"Content-Type: {kind!r} is not read here; {', '.join((JSON, *_FORMS))} are, and "
                "application/octet-stream for V2's binary tensors"
            )
        return Media(writes=_wanted(accept))
    given = _parsed(content_type)
    charset = given.get_param("charset", "utf-8")
    if str(charset).lower() not in ("utf-8", "utf8", "us-ascii"):
        raise InvalidRequest(f"Content-Type: {reads} is read in UTF-8, and not in {charset!r}")
    header = {"present": True, "absent": False}.get(str(given.get_param("header", "")).lower())
    return Media(reads, _wanted(accept), header)


def _wanted(accept: str) -> str:
    """The form that a client likes best, of those that there are."""
    ranges = [_parsed(item) for item in accept.split(",")]
    ranges.sort(key=_quality, reverse=True)
    kinds = (item.get_content_type() for item in ranges)
    return next((_FORMS.get(kind, JSON) for kind in kinds if kind in _FORMS or kind in (JSON, "*/*")), JSON)


def _quality(item: Message) -> float:
    try:
        return float(str(item.get_param("q", "1")))
    except ValueError:
        return 0


def _parsed(value: str) -> Message:
    message = Message()
    message["Content-Type"] = value.replace("\r", " ").replace("\n", " ").strip()
    return message
