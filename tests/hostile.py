"""A client that means harm: requests over REST and messages over gRPC, made from right ones by small changes. And an
owner of models that does: names for their columns and labels.

What servers have to do about requests is in test_hostile.py. The same seed makes the same requests.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import random
import re
import socket
import time
from typing import Any, NamedTuple

#: A column's name and a label that run where a page takes them for HTML.
NAME = "</script><img src=x onerror=alert(1)>"
LABEL = "</style><script>alert(2)</script>"
#: A header that no answer may carry.
CANARY = "x-canary", "4b1d-never-echoed"
#: Seconds after which a connection is not used again: servers close those on which nothing happens, some after five.
IDLE = 2
#: Bytes of an answer that says what is wrong, at most; a client that sends much does not get it back.
LONGEST_ERROR = 16_384
#: Pieces of JSON that some decoder takes for something else than another one does.
NASTY = [
    *(b"null true false -0 0 -1 1e39 -1e39 1e308 1e400 -1e400 5e-324 NaN Infinity -Infinity 1_0 01 .5 1. 0x10".split()),
    *(b"18446744073709551616 -9223372036854775809 99999999999999999999999999999999999999 9007199254740993".split()),
    *(b'"" "1" "true" "NaN" "\\ud800" "\\u0000" "\\x" [] [[]] {} [null] {"a":1} {"":""}'.split()),
    *(b'"\xff" \xed\xa0\x80 \x00'.split()),
    b'"' + b"x" * 70_000 + b'"',
    b"[" * 3000,
    b"[" * 900 + b"]" * 900,
    b'{"a":' * 2000,
    b"9" * 5000,
    b"0." + b"1" * 20_000,
    b"1e" + b"9" * 30,
    b'{"instances":[[1]],"instances":[[2]]}',
    b'{"__proto__":{"a":1},"constructor":null}',
]
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9.]+(?:[eE][-+]?[0-9]+)?|[\[\]{},:]|\w+')
_TYPES = [
    "application/json",
    "text/csv",
    "text/csv;header=present",
    "text/csv; charset=latin-1",
    "text/csv;header=" + "x" * 300,
    "application/jsonlines",
    "application/x-ndjson",
    "application/octet-stream",
    "application/cloudevents+json",
    "application/cloudevents+xml",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "text/plain",
    "x",
    '; "',
    "",
    "\xff\xfe",
]
_SIZES = ["0", "1", "-1", "99999999999999999999", "1e3", "abc", "", " 7 ", "٣", "+5", "0x10"]
_NAMES = [
    "%00",
    "%2e%2e",
    "..",
    "%ff",
    "é",
    "x" * 3000,
    "%F0%9F%98%80",
    "a%2Fb",
    "a/b",
    "",
    " ",
    "%",
    "{m}",
    "m?q=1",
    "m#f",
]


class Request(NamedTuple):
    """A request over REST. `whole` says whether a server can know where it ends."""

    path: str
    body: bytes = b""
    headers: dict[str, str] = {}
    method: str = "POST"
    whole: bool = True
    #: Bytes to send in place of what the rest of this makes.
    raw: bytes | None = None

    def to_bytes(self) -> bytes:
        """The request as it goes over the line."""
        if self.raw is not None:
            return self.raw
        headers = {"host": "m", "content-length": str(len(self.body)), CANARY[0]: CANARY[1], **self.headers}
        if "transfer-encoding" in headers:
            del headers["content-length"]
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + self.body


class Reply(NamedTuple):
    """What a server answers: its status, headers with names in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    """A connection to a server, which is made anew where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._used = 0.0

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent, or another answer come."""
        return self._socket is not None

    def send(self, content: bytes) -> None:
        """Send bytes, as far as the server takes them: it may answer before it has read all."""
        if time.monotonic() - self._used > IDLE:
            self.close()
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._file = self._socket.makefile("rb")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(content)

    def read(self, method: str = "POST") -> Reply | None:
        """The next answer; None where the server closes the connection without one. Raises TimeoutError."""
        response = http.client.HTTPResponse(_Shared(self._file), method=method)  # type: ignore[arg-type]
        try:
            response.begin()
            body = response.read()
        except (ConnectionResetError, http.client.RemoteDisconnected):
            self.close()
            return None
        self._used = time.monotonic()
        if response.will_close:
            self.close()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def close(self) -> None:
        """Leave, whatever is still to come."""
        if self._socket:
            self._file.close()
            self._socket.close()
            self._socket = None


class _Shared:
    """A connection as http.client wants it, which leaves the bytes of the next answer where they are."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def makefile(self, mode: str) -> _Shared:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def close(self) -> None:
        pass

    def flush(self) -> None:
        pass


class Mutator:
    """Makes wrong requests from right ones, and some that are still right."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def request(self, right: Request) -> Request:
        """A request that differs from a right one in one to three ways."""
        found = right
        for _ in range(self._random.choice([1, 1, 1, 2, 3])):
            change = self._random.choice([self._body, self._body, self._body, self._headers, self._path, self._framing])
            found = change(found)
            if found.raw is not None:
                break
        return found

    def message(self, right: bytes) -> bytes:
        """A message of gRPC that differs from a right one: some bytes, or its end."""
        return self._bytes(right)

    def chance(self, share: float) -> bool:
        """Whether something that happens now and then happens now."""
        return self._random.random() < share

    def one_of(self, choices: Any) -> Any:
        """One of several things."""
        return self._random.choice(choices)

    def _body(self, request: Request) -> Request:
        return request._replace(
            body=self._random.choice([self._bytes, self._token, self._token, self._node])(request.body)
        )

    def _bytes(self, content: bytes) -> bytes:
        at = self._random.randrange(len(content) + 1)
        kind = self._random.randrange(6)
        if kind == 0:
            return content[:at]
        if kind == 1:
            return content[:at] + self._random.randbytes(self._random.choice([1, 4, 40])) + content[at:]
        if kind == 2:
            return content[:at] + content[at + self._random.choice([1, 2, 8]) :]
        if kind == 3:
            return content + content[at:]
        changed = bytearray(content)
        for _ in range(self._random.choice([1, 1, 2, 8])):
            if changed:
                changed[self._random.randrange(len(changed))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def _token(self, content: bytes) -> bytes:
        """Put something nasty in the place of a word of JSON, or beside it."""
        tokens = list(_TOKEN.finditer(content))
        if not tokens:
            return content + self._random.choice(NASTY)
        token, nasty = self._random.choice(tokens), self._random.choice(NASTY)
        end = token.end() if self._random.random() < 0.8 else token.start()
        return content[: token.start()] + nasty + content[end:]

    def _node(self, content: bytes) -> bytes:
        """Change the structure of JSON: a value is left out, stands twice, or is another one of the request."""
        try:
            tree: Any = json.loads(content)
            nodes = [(parent, key) for parent in _parents(tree) for key in _keys(parent)]
        except (ValueError, RecursionError):
            nodes = []
        if not nodes:
            return self._bytes(content)
        (parent, key), (other, where) = self._random.choice(nodes), self._random.choice(nodes)
        kind = self._random.randrange(4)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent.insert(key, json.loads(json.dumps(other[where])))
        elif kind == 2 and isinstance(parent, dict):
            text = json.dumps(parent[key])
            return json.dumps(tree).encode().replace(b"{", b'{"%b": %b, ' % (key.encode(), text.encode()), 1)
        else:
            parent[key] = self._random.choice([json.loads(json.dumps(other[where])), 2**70, -1, 0.1, "", True, None])
        return json.dumps(tree).encode()

    def _headers(self, request: Request) -> Request:
        name, value = self._random.choice(
            [
                ("content-type", self._random.choice(_TYPES)),
                ("accept", self._random.choice([*_TYPES, "*/*;q=x", ",", "text/html"])),
                ("content-encoding", self._random.choice(["gzip", "br", "x", "identity", "gzip, gzip"])),
                ("inference-header-content-length", self._random.choice(_SIZES)),
                ("ce-id", "1"),
                ("ce-specversion", self._random.choice(["0.1", "1.0", "\xff"])),
                ("x-request-id", self._random.choice(["a" * 5000, "\xe9", "a b", ""])),
                ("traceparent", self._random.choice(["x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é"])),
                ("expect", self._random.choice(["100-continue", "200-ok"])),
                ("upgrade", self._random.choice(["h2c", "websocket"])),
                ("origin", "http://elsewhere"),
                ("cookie", "a" * 4000),
                ("range", "bytes=0-1"),
            ]
        )
        extra = {"connection": "upgrade"} if name == "upgrade" else {}
        return request._replace(headers={**request.headers, **extra, name: value})

    def _path(self, request: Request) -> Request:
        kind = self._random.randrange(4)
        if kind == 0:
            method = self._random.choice(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
            return request._replace(method=method)
        parts = request.path.split("/")
        at = self._random.randrange(1, len(parts))
        if kind == 1:
            parts[at] = self._random.choice(_NAMES)
        elif kind == 2:
            parts.insert(at, self._random.choice([*_NAMES, "versions", "versions/1", "versions/" + "9" * 5000]))
        else:
            del parts[at]
        return request._replace(path="/".join(parts).replace(" ", "%20").replace("é", "%C3%A9") or "/")

    def _framing(self, request: Request) -> Request:
        body, kind = request.body, self._random.randrange(5)
        if kind < 2:
            pieces = [body[i : i + 7] for i in range(0, len(body), 7)] if len(body) < 2000 else [body]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
            headers = {**request.headers, "transfer-encoding": "chunked"}
            return request._replace(raw=request._replace(body=chunks, headers=headers).to_bytes())
        if kind == 2:
            broken = self._random.choice([b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nab", b"0\r\n"])
            headers = {**request.headers, "transfer-encoding": "chunked"}
            return request._replace(raw=request._replace(body=broken, headers=headers).to_bytes(), whole=False)
        content = request.to_bytes()
        if kind == 3:
            lengths = ["-1", "abc", "99999999999999999999", str(len(body) + 5), str(max(len(body) - 3, 0)), "1, 2"]
            wrong = {**request.headers, "content-length": self._random.choice(lengths)}
            return request._replace(raw=request._replace(headers=wrong).to_bytes(), whole=False)
        head, _, _ = content.partition(b"\r\n\r\n")
        at = self._random.randrange(len(head))
        garbage = self._random.choice([b"\x00", b"\r", b"\n", b":", b" ", b"\xff", b"\r\n", b"\x16\x03\x01"])
        return request._replace(raw=content[:at] + garbage + content[at:], whole=False)


def _parents(tree: Any) -> list[Any]:
    """All lists and objects of a tree of JSON."""
    if not isinstance(tree, (list, dict)):
        return []
    return [
        tree,
        *(found for child in (tree.values() if isinstance(tree, dict) else tree) for found in _parents(child)),
    ]


def _keys(parent: Any) -> list[Any]:
    return list(parent) if isinstance(parent, dict) else list(range(len(parent)))
