"""The head of a request: its first line and its headers, or what is wrong with it. Not here: how its bytes arrive."""

from __future__ import annotations

import re
import urllib.parse
from typing import Optional, Tuple

from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_START = re.compile(rf"({_TOKEN}) ([\x21-\x7e\x80-\xff]+) (HTTP/1\.[01])")
_FIELD = re.compile(rf"({_TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*)")


def parse(head: bytes) -> Tuple[RequestStartLine, HTTPHeaders]:
    """The first line of a request's head, and its headers. Raises HTTPInputError."""
    if not head.endswith(b"\r\n\r\n"):
        raise HTTPInputError("a line of the head does not end with CR LF")
    first, *lines = head.decode("latin-1").lstrip("\r\n")[:-4].split("\r\n")
    start = _START.fullmatch(first)
    if not start:
        raise HTTPInputError("expected a request of HTTP/1.1, which begins as: GET /v1/models HTTP/1.1")
    headers = HTTPHeaders()
    for number, line in enumerate(lines, 2):
        field = _FIELD.fullmatch(line)
        if not field:
            raise HTTPInputError(f"line {number} of the head is no header")
        headers.add(field[1], field[2].rstrip())
    _check_length(start[3], headers.get("Content-Length"), headers.get("Transfer-Encoding"))
    return RequestStartLine(start[1], _path(start[2]), start[3]), headers


def _check_length(version: str, length: Optional[str], coding: Optional[str]) -> None:
    """Raise HTTPInputError where it is not beyond doubt how long a body is."""
    if coding is not None and (coding.lower() != "chunked" or version == "HTTP/1.0"):
        raise HTTPInputError("expected Transfer-Encoding: chunked, in HTTP/1.1, and no other one")
    if length is not None and coding is not None:
        raise HTTPInputError("there is both a Content-Length and a Transfer-Encoding")
    if length is not None and not re.fullmatch("[0-9]{1,18}", length):
        raise HTTPInputError("expected one Content-Length, which is a number")


def _path(target: str) -> str:
    """What a request asks for, without the server's name, and with no more of its path escaped than has to be."""
    path, mark, query = re.sub("^https?://[^/?]*/?", "/", target, flags=re.IGNORECASE).partition("?")
    return urllib.parse.quote(urllib.parse.unquote(path), safe="/:@!$&'()*+,;=~") + mark + query
