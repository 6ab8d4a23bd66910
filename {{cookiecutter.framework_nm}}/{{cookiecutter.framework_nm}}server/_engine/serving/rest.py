"""What REST asks, and what it is answered: bytes and headers in, status, bytes and headers out, for any HTTP server.

Which steps there are is here: decode, predict or explain, encode. Not here: how an SDK's server hands over bytes, nor
what all ways in share, which is in calls.py.
"""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Awaitable, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

import orjson

from ..protocol import events
from ..protocol.answers import encode
from ..protocol.media import PLAIN, Media, media_of
from ..protocol.requests import LARGE, Request, json_size
from .calls import Call, Desk
from .failures import Failed
from .model import Serving

Headers = Tuple[Tuple[bytes, bytes], ...]

_BINARY = b"inference-header-content-length"
#: The headers of a request that its answer carries, too: by these a client finds it again.
_CARRIED = (b"x-request-id", b"traceparent")


class Way(NamedTuple):
    """What can be asked for by one kind of path; by each of them as a CloudEvent, too."""

    explains: bool = False
    #: Whether the body may hold V2's tensors, and not rows alone; binary ones, too.
    tensors: bool = False


#: What a way in cannot do is decided here.
WAYS: Dict[str, Way] = {"v1": Way(), "v2": Way(tensors=True), "explain": Way(explains=True)}


class Route(NamedTuple):
    """What a path asks: which model, by which way, and in which version."""

    name: str
    way: str
    version: str = ""


class Answer(NamedTuple):
    """An answer: status, body, content type, and what headers it has besides its length."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Headers = ()


#: How paths begin and end, and the way that they are.
_PATHS = (
    ("/v2/models/", "/infer", "v2"),
    ("/v1/models/", ":predict", "v1"),
    ("/v1/models/", ":explain", "explain"),
)


def find(path: str) -> Optional[Route]:
    """What a path asks of a model, or None."""
    for start, end, way in _PATHS:
        if path.startswith(start) and path.endswith(end):
            name, version = path[len(start) : -len(end)], ""
            if way == "v2" and "/versions/" in name:
                name, _, version = name.partition("/versions/")
            return Route(name, way, version) if name and "/" not in name + version else None
    return None


def _size(content_length: bytes) -> int:
    """What a header says, as far as it is known: an SDK's server sees to one that is no number, some of them later."""
    return int(content_length) if content_length.isdigit() and len(content_length) < 18 else 0


class Prediction(Call[Serving]):
    """A request over REST for predictions or explanations; `headers` have names in lower case.

    `vendor` names the SDK in the events that answer events.
    """

    def __init__(self, desk: Desk[Serving], route: Route, headers: Mapping[bytes, bytes], vendor: str) -> None:
        self.headers = headers
        self.event = events.form(headers)
        self._can = WAYS[route.way]
        self._vendor = vendor
        request_id = headers.get(b"x-request-id")
        super().__init__(
            desk,
            "cloudevent" if self.event else route.way,
            route.name,
            route.version,
            _size(headers.get(b"content-length", b"")),
            request_id.decode("latin-1") if request_id else None,
        )

    async def answer(self, read: Callable[[], Awaitable[bytes]]) -> Answer:
        """Answer the request, whose body `read` waits for: it ends early once the body is refused."""
        try:
            found = await self.run(functools.partial(self._work, read))
        except Failed as error:
            body = orjson.dumps({"error": str(error)})
            found = Answer(error.outcome.status, body, headers=((b"retry-after", b"1"),) if error.outcome.retry else ())
        carried = tuple((name, self.headers[name]) for name in _CARRIED if name in self.headers)
        return found._replace(headers=found.headers + carried) if carried else found

    async def _work(self, read: Callable[[], Awaitable[bytes]]) -> Answer:
        body = await read()
        model = self.model  # raises where the body turned out to be too large
        self.complete = True
        if self.event:
            body = events.data(self.event, body)
        answer = await (self._explanation if self._can.explains else self._prediction)(model, body)
        if self.event:
            parts = events.answer(self.event, self._vendor, self.name, answer.body, answer.content_type)
            answer = Answer(200, *parts[:2], parts[2] + answer.headers)
        return answer

    async def _prediction(self, model: Serving, body: bytes) -> Answer:
        measure = model.telemetry
        start = time.perf_counter()
        request = await self._decode(model, body)
        decoded = time.perf_counter()
        measure.preprocess(decoded - start)
        outputs = await model.answer(request)
        predicted = time.perf_counter()
        measure.predict(predicted - decoded)
        encoded = encode(self.name, request, outputs)
        measure.postprocess(time.perf_counter() - predicted)
        begins = () if encoded.json_size is None else ((_BINARY, b"%d" % encoded.json_size),)
        return Answer(200, encoded.body, encoded.media_type.encode(), begins)

    async def _explanation(self, model: Serving, body: bytes) -> Answer:
        """For each row the prediction, a base score, and what each column adds to it."""
        request = await self._decode(model, body)
        start = time.perf_counter()
        explanations = await model.explanations(request)
        model.telemetry.explain(time.perf_counter() - start)
        return Answer(200, orjson.dumps({"explanations": explanations}))

    async def _decode(self, model: Serving, body: bytes) -> Request:
        size = self.headers.get(_BINARY) if self._can.tensors else None
        begins = json_size(None if size is None else size.decode("latin-1"))
        decode, v1, media = model.decoder.decode, not self._can.tensors, self._media()
        if len(body) < LARGE:
            request = decode(body, begins, v1, media)
        else:
            request = await asyncio.get_running_loop().run_in_executor(None, decode, body, begins, v1, media)
        self.hold(len(request.X))
        return request

    def _media(self) -> Media:
        """The forms of the request and of its answer; a structured event is JSON. Raises InvalidRequest."""
        if self.event == events.STRUCTURED:
            return PLAIN
        header = self.headers.get
        return media_of(header(b"content-type", b"").decode("latin-1"), header(b"accept", b"").decode("latin-1"))
