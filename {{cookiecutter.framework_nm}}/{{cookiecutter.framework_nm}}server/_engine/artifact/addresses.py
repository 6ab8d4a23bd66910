"""Addresses of models in messages: shown without their secrets, which are taken out of other people's messages as well.

An address may hold a password, a token or a signature, and whoever reads the log or asks the server need not have it.
What lies at an address is in versions.py and with the serving SDK.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

#: Names of variables whose values are secret, and of those that only say where a secret is.
_SECRET = re.compile(
    "SECRET|TOKEN|PASSW|CREDENTIAL|CONNECTION_STRING|(ACCOUNT|ACCESS|API)_?KEY$|STORAGE_.*CONFIG|-headers$", re.I
)
_WHERE = re.compile("_(FILE|PATH|DIR|URL|URI)$|^GOOGLE_APPLICATION_CREDENTIALS$", re.I)
#: Shorter parts of an address, and shorter values of variables, occur in messages by chance.
_PART, _VALUE = 4, 8

# Neither looks at a character more than a few times, however long a text is: clients write what ends up in messages.
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([0-9+.-]*)([A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+)")
_QUERY = re.compile(r"\?[^\s'\"<>]*")
_START = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:?/)?[/.~]*")
_HOST = re.compile(r"(\[[^\]]*\]|[^:@]*)(:\d*)?")


def shown(address: str) -> str:
    """The address without user information, query and fragment: s3://...@bucket/path, https://host/path?..."""
    scheme, user, place, rest = _parts(address)
    return scheme + ("...@" if user else "") + place + (f"{rest[0]}..." if rest else "")


def redacted(text: str, address: str = "") -> str:
    """Somebody else's text without the secrets of `address`, of other addresses in it, and of the environment."""
    secrets = {*_secrets_of_address(address), *_secrets_of_environment()}
    for secret in sorted(secrets, key=len, reverse=True):
        text = _spelt(secret).sub("...", text)
    return _QUERY.sub(_without_values, _URL.sub(lambda found: found[1] + shown(found[2]), text))


class Redacting(logging.Filter):
    """Takes the secrets of an address out of what a handler is to write, tracebacks included."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage(), self.address), None
        if record.exc_info:
            lines = traceback.format_exception(*record.exc_info)
            # Formatters take the text where there is one, and the exceptions themselves hold the secrets.
            record.exc_text, record.exc_info = redacted("".join(lines).rstrip(), self.address), None
        return True


def _without_values(query: re.Match[str]) -> str:
    """What follows a question mark without what it sets, up to a bracket that is closed behind it."""
    _, sets, last = query[0].rpartition("=")
    return f"?...{''.join(last.partition(')')[1:])}" if sets else query[0]


def _parts(address: str) -> tuple[str, str, str, str]:
    """Scheme, user information, host and path, query and fragment: "s3://", "key:password", "host/path", "?x".

    A password may hold marks that should have been encoded: where there is one, all up to the last @ is hidden. The
    scheme may be mistyped, as "s3:/" or "s3//". What exists on disk is a path, whatever it looks like.
    """
    found = "://" in address
    if not found and os.path.exists(address):
        return "", "", address, ""
    scheme = _START.match(address)[0]  # type: ignore[index]  # it matches the empty text, too
    after = address[len(scheme) :]
    host, before = re.split("[/?#]", after)[0], re.split("[?#]", after)[0]
    user = ""
    end = before.rfind("@") if "@" in before else after.rfind("@")
    if not _HOST.fullmatch(host) or (not found and ":" in after[: max(end, 0)]):
        if end >= 0:
            user, after = after[:end], after[end + 1 :]
        elif found:
            user, after = host, after[len(host) :]
    place = re.split("[?#]", after)[0]
    return scheme, user, place, after[len(place) :]


def _secrets_of_address(address: str) -> Iterator[str]:
    _, user, _, rest = _parts(address)
    name, _, password = user.partition(":")
    pieces = [piece.partition("=") for piece in re.split("[&;?#]", rest)]
    for part in (user, name, password, rest[1:], *(value or name for name, _, value in pieces)):
        for secret in (part, unquote(part)):
            if len(secret) >= _PART:
                yield secret


def _secrets_of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if _SECRET.search(name) and not _WHERE.search(name):
            for text in _texts(value):
                for word in {text, *re.split(r"[\s;]+", text)}:
                    for secret in (word.strip(), word.partition("=")[2].strip()):
                        if len(secret) >= _VALUE and "://" not in secret:
                            yield secret


def _texts(value: str) -> Iterator[str]:
    """The texts in a value, which may be JSON."""
    yield value
    try:
        found: Any = [json.loads(value)]
    except ValueError:
        return
    while found:
        item = found.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, (dict, list)):
            found.extend(item.values() if isinstance(item, dict) else item)


@functools.lru_cache(maxsize=256)
def _spelt(secret: str) -> re.Pattern[str]:
    """A secret in every spelling: encoded for a URL, once or more often, or with other white space."""
    return re.compile("".join(map(_character, re.sub(r"\s+", " ", secret))), re.I)


def _character(character: str) -> str:
    if character == " ":
        return r"(?:\s|\+|%(?:25)*(?:20|0A|0D))+"
    encoded = "".join(f"%(?:25)*{byte:02X}" for byte in character.encode(errors="surrogateescape"))
    plain = r"[+\s]" if character == "+" else re.escape(character)
    return f"(?:{plain}|{encoded})"
