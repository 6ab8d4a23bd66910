"""What the server's routes answer: predictions, parsed once from bytes and written once to bytes, and errors as JSON.

KFServing's own handlers parse JSON before any code of the model runs, and put errors into the reason phrase of a page
of HTML. Those here take their places; which of them answers which route is in server.py.
"""

from __future__ import annotations

import asyncio
import http
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import orjson
import tornado.httputil
import tornado.web
from kfserving.handlers.http import HTTPHandler, PredictHandler
from kfserving.kfserver import HealthHandler, LoadHandler, UnloadHandler
from tornado.iostream import StreamClosedError

from .access import refusal
from .batching import Overloaded
from .directories import NoSuchModel
from .tensors import InvalidRequest

if TYPE_CHECKING:
    from .drain import Drain
    from .model import ServingModel

logger = logging.getLogger(__name__)

#: Bytes from which on decoding would keep others waiting for longer than a thread costs.
_LARGE = 200_000
_BINARY = "Inference-Header-Content-Length"


class Refused(tornado.web.HTTPError):
    """A request that is answered with a status and a message, which may hold what a reason phrase may not."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status)
        self.message = message


class JsonErrors(tornado.web.RequestHandler):
    """Answers an error with {"error": message}."""

    def finish(self, chunk: Any = None) -> asyncio.Future[None]:
        """Say so if the connection closes; Tornado knows only of what it closed before the request came."""
        connection: Any = self.request.connection
        if connection.params.no_keep_alive:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1]
        if status_code == 500:
            message = "the model failed on this request; the server's log says why"
        else:
            message = getattr(error, "message", "") or error.reason or http.HTTPStatus(status_code).phrase
        self.finish({"error": message})


@tornado.web.stream_request_body
class Predict(JsonErrors, PredictHandler):
    """Answers predictions: V1 and `{"instances": ...}` on both paths, V2 in JSON and binary, and CloudEvents.

    `max_body` is in bytes.
    """

    def initialize(self, models: Any, max_body: int, v1: bool) -> None:
        super().initialize(models)
        self.max_body = max_body
        self.v1 = v1
        self.prediction: asyncio.Future[Any] | None = None

    def prepare(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        # Tornado's limit closes the connection while the client still sends, and the client never reads why.
        self.request.connection.set_max_body_size(sys.maxsize)

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= self.max_body:
            self.chunks.append(chunk)

    async def post(self, name: str) -> None:
        if self.size > self.max_body:
            raise Refused(413, f"the body is larger than {self.max_body} bytes, the limit that --max_buffer_size sets")
        self.request.body = b"".join(self.chunks)
        try:
            if _is_cloud_event(self.request.headers):
                await super().post(name)
            else:
                await self._predict(self.get_model(name))
            await self.finish()
        except (asyncio.CancelledError, StreamClosedError):
            self.set_status(499)  # the client left; this is for the log

    def on_connection_close(self) -> None:
        """What nobody waits for any more is not begun."""
        super().on_connection_close()
        if self.prediction:
            self.prediction.cancel()

    async def _predict(self, model: ServingModel) -> None:
        body = self.request.body
        try:
            arguments = (body, _json_size(self.request.headers), self.v1)
            if len(body) < _LARGE:
                request = model.codec.decode(*arguments)
            else:
                loop = asyncio.get_running_loop()
                request = await loop.run_in_executor(None, model.codec.decode, *arguments)
            self.prediction = asyncio.ensure_future(model.answer(request))
            answer, json_size = model.codec.encode(model.name, request, await self.prediction)
        except InvalidRequest as error:
            self._refuse(400, error)
        except Overloaded as error:
            self.set_header("Retry-After", "1")
            self._refuse(503, error)
        else:
            self.set_header("Content-Type", "application/octet-stream" if json_size else "application/json")
            if json_size:
                self.set_header(_BINARY, str(json_size))
            self.write(answer)

    def _refuse(self, status: int, error: Exception) -> None:
        self.set_status(status)
        self.write({"error": str(error)})

    def log(self) -> None:
        """Write one line of JSON about the request, once it is answered."""
        line = {
            "time": time.time(),
            "model": self.path_args[0],
            "door": "v1" if self.v1 else "v2",
            "status": self.get_status(),
            "ms": round(self.request.request_time() * 1000, 3),
            "bytes_in": self.size,
            "request_id": self.request.headers.get("X-Request-Id"),
        }
        print(orjson.dumps(line).decode(), flush=True)


class Explain(JsonErrors, HTTPHandler):
    """For each row the prediction, a base score, and what each column adds to it; 501 where there is no such thing."""

    async def post(self, name: str) -> None:
        model = self.get_model(name)
        try:
            explanations = await model.explanations(self.request.body)
        except InvalidRequest as error:
            raise Refused(400, str(error)) from None
        except NotImplementedError as error:
            raise Refused(501, str(error)) from None
        self.write({"explanations": explanations})


class Health(JsonErrors, HealthHandler):
    """KFServing's readiness of a model, which ends with the server's."""

    def initialize(self, models: Any, drain: Drain) -> None:
        super().initialize(models)
        self.drain = drain

    def get(self, name: str) -> None:
        super().get(name)
        if self.drain.begun:
            raise Refused(503, f"Model with name {name} is not ready.")


class Repository(JsonErrors):
    """What is under the repository API's path; whoever may not use it is told so."""

    def initialize(self, models: Any, enabled: bool) -> None:
        self.models = models
        self.enabled = enabled

    def prepare(self) -> None:
        refused = refusal(self.enabled, "Origin" in self.request.headers)
        if refused:
            raise Refused(*refused)


class Load(Repository, LoadHandler):
    """KFServing's repository API, with the reason of a failed load."""

    async def post(self, name: str) -> None:
        try:
            await self.models.load(name)
        except NoSuchModel as error:
            raise Refused(404, str(error)) from None
        except Exception as error:
            raise Refused(503, f"Model {name} was not loaded, and the one before stays: {error}") from error
        self.write({"name": name, "load": True})


class Unload(Repository, UnloadHandler):
    """KFServing's repository API."""


class NotFound(JsonErrors, tornado.web.ErrorHandler):
    """What no route leads to."""


def _is_cloud_event(headers: tornado.httputil.HTTPHeaders) -> bool:
    return "ce-id" in headers or "cloudevents" in headers.get("Content-Type", "")


def _json_size(headers: tornado.httputil.HTTPHeaders) -> int | None:
    size = headers.get(_BINARY)
    if size is None:
        return None
    if not size.isdecimal() or len(size) > 18:
        raise InvalidRequest(f"{_BINARY}: expected a number of bytes")
    return int(size)
