"""The model as KServe sees it: metadata, and the requests that come by KServe's own way.

gRPC and CloudEvents arrive here through KServe; predictions.py answers what REST asks. Both use the
same decoder and the same queue, of serving/model.py. The model itself is `MyModel` in trainer/model.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import kserve
import orjson
from cloudevents.sdk.converters.util import has_binary_headers
from kserve.errors import InferenceError, InvalidInput, ModelNotReady, ServerNotReady
from kserve.logging import logger
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferResponse
from kserve.protocol.infer_type import to_http_parameters

from ..contract.errors import NoExplanations
from ..protocol.answers import encode
from ..protocol.tensors import InvalidRequest
from ..serving.batching import Overloaded, Unavailable
from ..serving.drain import Drain
from ..serving.model import FAILED, Serving, not_live
from .messages import decode, to_grpc, to_json
from .telemetry import Telemetry


class Busy(ServerNotReady):
    """More requests wait than may wait: 503 over REST, UNAVAILABLE over gRPC."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # what KServe's gRPC server answers with


class NotReady(ModelNotReady):
    """A model that is not loaded, or no longer answers: 503 over REST, UNAVAILABLE over gRPC."""

    def __init__(self, model: ServingModel) -> None:
        super().__init__(model.name, model.stuck and f"It is stuck: {model.stuck}.")
        self.reason = self.error_msg


class ServingModel(Serving, kserve.Model):
    """Serves the model directory `model_dir` under a name, and counts and measures what it does."""

    def __init__(self, name: str, model_dir: Path, **settings: Any) -> None:
        super().__init__(name, model_dir, **settings)
        self.telemetry = Telemetry(name)
        self.on_call = self.telemetry.called

    def get_input_types(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "datatype": item.datatype, "shape": item.shape} for item in self.signature.inputs]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "datatype": item.datatype, "shape": item.shape} for item in self.outputs]

    async def predict(
        self, payload: Any, headers: dict[str, str] | None = None, response_headers: dict[str, str] | None = None
    ) -> dict[str, Any] | kserve.InferResponse | ModelInferResponse:
        """Answer a request that KServe decoded: a dict or bytes of V1, or an InferRequest."""
        grpc = isinstance(payload, kserve.InferRequest) and payload.from_grpc
        return await self._counted(self._predict(payload), grpc)

    async def explain(self, payload: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Answer a CloudEvent to V1's `:explain`.

        For each row the prediction, a base score, and what each column adds to it. Raises InvalidInput, or
        NotImplementedError, which KServe answers with 501.
        """
        return await self._counted(self._explain(payload))

    async def _counted(self, answer: Coroutine[Any, Any, Any], grpc: bool = False) -> Any:
        """Wait for an answer, count it, and raise what KServe has a status for."""
        status = "INTERNAL" if grpc else "500"
        try:
            with self.telemetry.in_flight():
                found = await answer
            status = "OK" if grpc else "200"
            return found
        except InvalidRequest as error:
            status = "INVALID_ARGUMENT" if grpc else "400"
            raise InvalidInput(str(error)) from None
        except (Overloaded, Unavailable) as error:
            status = "UNAVAILABLE" if grpc else "503"
            raise Busy(str(error)) from None
        except NoExplanations as error:
            status = "501"
            raise NotImplementedError(str(error)) from None
        except (asyncio.CancelledError, GeneratorExit):  # the client left, or the server ends
            status = "CANCELLED" if grpc else "499"
            raise
        except BaseException:
            logger.exception("Model %s failed on a request", self.name)
            raise (RuntimeError if grpc else InferenceError)(FAILED) from None
        finally:
            self.telemetry.answered("grpc" if grpc else "cloudevent", status)

    async def _explain(self, payload: Any) -> dict[str, Any]:
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        return {"explanations": await self.explanations(self.decoder.decode(body, v1=True))}

    async def _predict(self, payload: Any) -> dict[str, Any] | kserve.InferResponse | ModelInferResponse:
        if isinstance(payload, kserve.InferRequest):
            return await self._predict_v2(payload)
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        request = self.decoder.decode(body, v1=True)
        answer: dict[str, Any] = orjson.loads(encode(self.name, request, await self.answer(request)).body)
        return answer

    async def _predict_v2(self, payload: kserve.InferRequest) -> kserve.InferResponse | ModelInferResponse:
        for item in payload.inputs:
            self.decoder.check_input(item.name, item.datatype, to_http_parameters(item.parameters or {}))
        tensors = [decode(item) for item in payload.inputs]
        outputs = [(output.name, output.parameters) for output in payload.request_outputs or ()]
        request = self.decoder.request(tensors, to_http_parameters(payload.parameters or {}), payload.id, outputs)
        written = to_grpc if payload.from_grpc else to_json
        return written(self.name, payload, await self.answer(request))


class ServingDataPlane(DataPlane):
    """KServe's, with honest readiness and liveness, and without its echo of requests' headers."""

    def __init__(self, repository: kserve.ModelRepository, drain: Drain, repository_api: bool) -> None:
        super().__init__(repository)
        self._drain = drain
        self._repository_api = repository_api

    def metadata(self) -> dict[str, Any]:
        # By the names that Triton gives them, and KServe.
        repository = ["model_repository", "model_repository_extension"] if self._repository_api else []
        return {**super().metadata(), "extensions": ["binary_tensor_data", *repository]}

    async def ready(self) -> bool:
        """Whether the server has a model, or may have none, has each of them ready, and is not about to end."""
        names = list(self.model_registry.get_models())
        ready = [await self.model_registry.is_model_ready(name) for name in names]
        some = bool(ready) or self.model_registry.may_be_empty
        return some and all(ready) and not self._drain.begun and await super().ready()

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """KServe asks before a request too, with its health check disabled: a server that drains still answers."""
        ready: bool = await super().model_ready(model_name, disable_predictor_health_check)
        return ready and (disable_predictor_health_check or not self._drain.begun)

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        metadata = await super().model_metadata(model_name)
        model = self.get_model_from_registry(model_name)
        found = {**metadata, "platform": model.platform}
        versions = await self.versions(model_name)
        if versions:
            found["versions"] = versions
        else:
            found.pop("versions", None)  # which KServe sets to null
        return found

    async def versions(self, model_name: str) -> list[str]:
        """The versions of a model, where it has any."""
        model = self.get_model_from_registry(model_name)
        return await asyncio.to_thread(lambda: model.versions)

    async def live(self) -> dict[str, str]:
        """For gRPC; REST's routes are those of health.py."""
        return {"status": not_live(self.model_registry.get_models().values()) or "alive"}

    async def get_model(self, name: str) -> Any:
        """KServe's version loads a model that is not ready, on the event loop."""
        model = self.get_model_from_registry(name)
        if not model.ready:
            raise NotReady(model)
        return model

    async def explain(
        self, model_name: str, request: Any, headers: dict[str, str] | None = None
    ) -> tuple[Any, dict[str, str]]:
        """KServe's gives back all of the request's headers; these are those by which it answers an event with one."""
        response, _ = await super().explain(model_name, request, headers)
        return response, _event_headers(headers or {})


def _event_headers(headers: dict[str, str]) -> dict[str, str]:
    """Of a request's headers those that make it a CloudEvent; the answer's own take their places."""
    if has_binary_headers(headers):
        return {name: headers[name] for name in ("ce-specversion", "ce-source", "ce-type", "ce-id")}
    structured = "application/cloudevents+json"
    return {"content-type": structured} if headers.get("content-type") == structured else {}
