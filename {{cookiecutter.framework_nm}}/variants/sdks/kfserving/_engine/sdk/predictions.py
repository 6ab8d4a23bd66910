"""Predictions and explanations, parsed once from bytes and written once to bytes.

KFServing's own handlers parse JSON before any code of the model runs. Those here take their places; which of them
answers which route is in server.py.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import orjson
import tornado.httputil
import tornado.web
from kfserving.handlers.http import PredictHandler
from tornado.iostream import StreamClosedError

from ..contract.errors import NoExplanations
from ..protocol.answers import encode
from ..protocol.media import media_of
from ..protocol.requests import LARGE, Request, json_size
from ..protocol.tensors import InvalidRequest
from ..serving.batching import Overloaded, Unavailable
from ..serving.model import FAILED
from .errors import JsonErrors, Refused

if TYPE_CHECKING:
    from .model import ServingModel

logger = logging.getLogger(__name__)

_BINARY = "Inference-Header-Content-Length"


@tornado.web.stream_request_body
class Predict(JsonErrors, PredictHandler):
    """Answers predictions: V1 and `{"instances": ...}` on both paths, V2 in JSON and binary, and CloudEvents.

    `max_body` is in bytes; `kind` is "v1", "v2" or "explain".
    """

    cloud_events = True

    def initialize(self, models: Any, max_body: int, kind: str) -> None:
        super().initialize(models)
        self.max_body = max_body
        self.kind = kind
        self.waiting: asyncio.Future[Any] | None = None

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
            await self._guarded(name)
            await self.finish()
        except (asyncio.CancelledError, StreamClosedError):
            self.set_status(499)  # the client left; this is for the log

    def get_model(self, name: str) -> ServingModel:
        """KFServing's version loads a model that is not ready, on the event loop. Raises Refused."""
        model: ServingModel | None = self.models.get_model(name)
        if model is None:
            raise Refused(404, f"Model with name {name} does not exist.")
        if not model.ready:
            raise Refused(503, f"Model with name {name} is not ready. {model.stuck}".strip())
        return model

    def on_connection_close(self) -> None:
        """Drop a request that still waits for the model: its client has left."""
        super().on_connection_close()
        if self.waiting:
            self.waiting.cancel()

    async def _guarded(self, name: str) -> None:
        """Answer, with a status for whatever the model raises."""
        try:
            if self.cloud_events and _is_cloud_event(self.request.headers):
                await super().post(name)
            else:
                await self._answer(self.get_model(name))
        except InvalidRequest as error:
            self._refuse(400, error)
        except Overloaded as error:
            self.set_header("Retry-After", "1")
            self._refuse(503, error)
        except Unavailable as error:
            logger.warning("Model %s: %s", name, error)
            self._refuse(503, error)
        except NoExplanations as error:
            self._refuse(501, error)
        except (asyncio.CancelledError, GeneratorExit, StreamClosedError, tornado.web.HTTPError):
            raise
        except BaseException:  # the model's own code may raise anything, while its answer is written, too
            logger.exception("Model %s failed on a request", name)
            self.set_status(500)
            self.write({"error": FAILED})

    async def _answer(self, model: ServingModel) -> None:
        request = await self._decode(model, json_size(self.request.headers.get(_BINARY)), self.kind == "v1")
        answer = encode(model.name, request, await self._wait(model.answer(request)))
        self.set_header("Content-Type", answer.media_type)
        if answer.json_size is not None:
            self.set_header(_BINARY, str(answer.json_size))
        self.write(answer.body)

    async def _decode(self, model: ServingModel, begins: int | None, v1: bool) -> Request:
        body, headers = self.request.body, self.request.headers
        media = media_of(headers.get("Content-Type", ""), headers.get("Accept", ""))
        if len(body) < LARGE:
            return model.decoder.decode(body, begins, v1, media)
        return await asyncio.get_running_loop().run_in_executor(None, model.decoder.decode, body, begins, v1, media)

    async def _wait(self, answer: Coroutine[Any, Any, Any]) -> Any:
        """Wait for an answer as long as the client does."""
        self.waiting = asyncio.ensure_future(answer)
        return await self.waiting

    def _refuse(self, status: int, error: Exception) -> None:
        self.set_status(status)
        self.write({"error": str(error)})

    def log(self) -> None:
        """Write one line of JSON about the request, once it is answered."""
        line = {
            "time": time.time(),
            "model": self.path_args[0],
            "protocol": self.kind,
            "status": self.get_status(),
            "ms": round(self.request.request_time() * 1000, 3),
            "bytes_in": self.size,
            "request_id": self.request.headers.get("X-Request-Id"),
        }
        print(orjson.dumps(line).decode(), flush=True)


class Explain(Predict):
    """For each row the prediction, a base score, and what each column adds to it; 501 where there is no such thing."""

    cloud_events = False

    async def _answer(self, model: ServingModel) -> None:
        request = await self._decode(model, None, True)
        explanations = await self._wait(model.explanations(request))
        self.set_header("Content-Type", "application/json")
        self.write(orjson.dumps({"explanations": explanations}))


def _is_cloud_event(headers: tornado.httputil.HTTPHeaders) -> bool:
    return "ce-id" in headers or "cloudevents" in headers.get("Content-Type", "")
