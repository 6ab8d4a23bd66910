"""In which form a body comes and in which its answer goes: what the headers Content-Type and Accept say.

Not here: reading and writing those forms, and how they are compressed (codings.py).
"""

from __future__ import annotations

import functools
from typing import Dict, NamedTuple, Optional, Tuple

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
#: What a client may accept that there is.
_OFFERED = {**_FORMS, JSON: JSON, "*/*": JSON}
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
    kind, given = _parsed(content_type)
    reads = _FORMS.get(kind, JSON)
    if reads == JSON:
        if kind != JSON and kind not in _UNAWARE:
            raise Unsupported(
                f"Content-Type: {kind!r} is not read here; {', '.join((JSON, *_FORMS))} are, and "
                "application/octet-stream for V2's binary tensors"
            )
        return Media(writes=_wanted(accept))
    charset = given.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise InvalidRequest(f"Content-Type: {reads} is read in UTF-8, and not in {charset!r}")
    header = {"present": True, "absent": False}.get(given.get("header", "").lower())
    return Media(reads, _wanted(accept), header)


def _wanted(accept: str) -> str:
    """The form that a client likes best, of those that there are."""
    ranges = [_parsed(item) for item in accept.split(",") if item.partition(";")[0].strip().lower() in _OFFERED]
    ranges.sort(key=lambda item: _quality(item[1]), reverse=True)
    return _OFFERED[ranges[0][0]] if ranges else JSON


def _quality(parameters: Dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0


def _parsed(value: str) -> Tuple[str, Dict[str, str]]:
    """A media type in lower case, and its parameters, of which none here has a mark of its own in quotes.

    Python's parser of mail takes seconds over a header that is meant to keep it busy.
    """
    kind, *rest = value.split(";")
    given = (item.partition("=") for item in rest)
    parameters = {name.strip().lower(): text.strip().strip('"') for name, _, text in given}
    return kind.strip().lower(), parameters
