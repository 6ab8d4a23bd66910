"""The short way for REST predictions and explanations: an ASGI application in front of KServe's.

It answers `POST /v1/models/{name}:predict`, `POST /v2/models/{name}/infer`, `POST /v1/models/{name}:explain`, and the
paths that platforms.py adds, parsing bytes once and writing bytes once, and hands everything else to KServe: health,
metadata, repository, metrics, docs, CloudEvents. It also refuses bodies that are too large, whatever their route.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

import orjson
from kserve.errors import ModelNotFound
from kserve.logging import logger

from ..contract.errors import NoExplanations
from ..protocol.answers import Answer, encode
from ..protocol.media import Media, media_of
from ..protocol.requests import LARGE, Request, json_size
from ..protocol.tensors import InvalidRequest
from ..serving.batching import Overloaded, Unavailable
from ..serving.model import FAILED
from .model import NotReady, ServingModel
from .repository import ServingModelRepository
from .telemetry import log_request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON: Headers = [(b"content-type", b"application/json")]
_REQUEST_ID = b"x-request-id"
_BINARY = b"inference-header-content-length"


class TooLarge(Exception):
    """The body is larger than --max_buffer_size."""


class Disconnected(Exception):
    """The client left before its request was complete."""


class Predictions:
    """`app` is KServe's application; `max_body` is in bytes; `log` says whether to log a line per request.

    `routes` are further paths to predictions: a model's name, and the kind of request, "v1", "v2" or "explain".
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        repository: ServingModelRepository,
        max_body: int,
        log: bool = False,
        routes: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    ) -> None:
        self.app = app
        self.repository = repository
        self.max_body = max_body
        self.log = log
        self.routes = routes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            body = await self._read(headers, receive)
        except TooLarge:
            error = f"the body is larger than {self.max_body} bytes, the limit that --max_buffer_size sets"
            await _respond(send, 413, _error(error), [*_JSON, (b"connection", b"close")])
            return
        except Disconnected:
            return
        name, kind = self.routes.get(scope["path"]) or _find(scope["path"])
        if not name or b"ce-id" in headers or b"cloudevents" in headers.get(b"content-type", b""):
            await self.app(scope, _replay(body, receive), send)
            return
        start = time.perf_counter()
        model = self.repository.get_model(name)
        if model is None:
            status, answer, extra = 404, _error(str(ModelNotFound(name))), _JSON
        elif not model.ready:
            status, answer, extra = 503, _error(str(NotReady(model))), _JSON
        else:
            with model.telemetry.in_flight():
                answering = _answer(model, body, headers, kind)
                # To listen for the client costs as much as a light model does, and gains nothing there.
                slow = kind == "explain" or model.slow
                status, answer, extra = await (_unless_gone(answering, receive) if slow else answering)
            model.telemetry.answered(kind, status)
        request_id = headers.get(_REQUEST_ID)
        if request_id:
            extra = [*extra, (_REQUEST_ID, request_id)]
        await _respond(send, status, answer, extra)
        if self.log:
            log_request(
                model=name,
                protocol=kind,
                status=status,
                ms=round((time.perf_counter() - start) * 1000, 3),
                bytes_in=len(body),
                bytes_out=len(answer),
                request_id=request_id.decode("latin-1") if request_id else None,
            )

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Collect the body, and not a byte more of it than may be."""
        if int(headers.get(b"content-length", 0)) > self.max_body:
            raise TooLarge
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            body = message.get("body", b"")
            more = message.get("more_body", False)
            chunks.append(body)
            size += len(body)
            if size > self.max_body:
                raise TooLarge
        return body if len(chunks) == 1 else b"".join(chunks)


#: How paths begin and end, and the kind of request that they ask for.
_PATHS = (
    ("/v2/models/", "/infer", "v2"),
    ("/v1/models/", ":predict", "v1"),
    ("/v1/models/", ":explain", "explain"),
)


def _find(path: str) -> tuple[str, str]:
    """The name of the model that a path asks, or "", and the kind of request."""
    for start, end, kind in _PATHS:
        if path.startswith(start) and path.endswith(end):
            name = path[len(start) : -len(end)]
            return ("" if "/" in name else name), kind
    return "", ""


async def _answer(
    model: ServingModel, body: bytes, headers: dict[bytes, bytes], kind: str
) -> tuple[int, bytes, Headers]:
    """Answer one request: status, body, and headers."""
    try:
        if kind == "explain":
            return 200, await _explain(model, body, _media(headers)), _JSON
        size = headers.get(_BINARY)
        begins = json_size(None if size is None else size.decode("latin-1"))
        answer = await _predict(model, body, begins, kind == "v1", _media(headers))
    except InvalidRequest as error:
        return 400, _error(str(error)), _JSON
    except Overloaded as error:
        return 503, _error(str(error)), [*_JSON, (b"retry-after", b"1")]
    except Unavailable as error:
        logger.warning("Model %s: %s", model.name, error)
        return 503, _error(str(error)), _JSON
    except NoExplanations as error:
        return 501, _error(str(error)), _JSON
    except (asyncio.CancelledError, GeneratorExit):  # the client left, or the server ends
        raise
    except BaseException:  # the model's own code may raise anything, while its answer is written, too
        logger.exception("Model %s failed on a request", model.name)
        return 500, _error(FAILED), _JSON
    sent: Headers = [(b"content-type", answer.media_type.encode())]
    if answer.json_size is not None:
        sent.append((_BINARY, b"%d" % answer.json_size))
    return 200, answer.body, sent


def _media(headers: dict[bytes, bytes]) -> Media:
    """The forms of a request and of its answer. Raises InvalidRequest."""
    return media_of(headers.get(b"content-type", b"").decode("latin-1"), headers.get(b"accept", b"").decode("latin-1"))


async def _predict(model: ServingModel, body: bytes, begins: int | None, v1: bool, media: Media) -> Answer:
    """The answer to a prediction's body."""
    measure = model.telemetry
    start = time.perf_counter()
    request = await _decode(model, body, begins, v1, media)
    decoded = time.perf_counter()
    measure.preprocess(decoded - start)
    outputs = await model.answer(request)
    predicted = time.perf_counter()
    measure.predict(predicted - decoded)
    answer = encode(model.name, request, outputs)
    measure.postprocess(time.perf_counter() - predicted)
    return answer


async def _explain(model: ServingModel, body: bytes, media: Media) -> bytes:
    """The answer to `:explain`: for each row the prediction, a base score, and what each column adds to it."""
    request = await _decode(model, body, None, True, media)
    start = time.perf_counter()
    explanations = await model.explanations(request)
    model.telemetry.explain(time.perf_counter() - start)
    return orjson.dumps({"explanations": explanations})


async def _decode(model: ServingModel, body: bytes, begins: int | None, v1: bool, media: Media) -> Request:
    if len(body) < LARGE:
        return model.decoder.decode(body, begins, v1, media)
    return await asyncio.to_thread(model.decoder.decode, body, begins, v1, media)


async def _unless_gone(
    answering: Coroutine[Any, Any, tuple[int, bytes, Headers]], receive: Receive
) -> tuple[int, bytes, Headers]:
    """Wait for an answer as long as the client does; a request whose client left is not begun."""
    task, gone = asyncio.create_task(answering), asyncio.ensure_future(receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else (499, b"", [])
    finally:
        task.cancel()
        gone.cancel()


def _error(message: str) -> bytes:
    return orjson.dumps({"error": message})


def _replay(body: bytes, receive: Receive) -> Receive:
    """Let KServe receive a body that has been read already."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def _respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    head = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
