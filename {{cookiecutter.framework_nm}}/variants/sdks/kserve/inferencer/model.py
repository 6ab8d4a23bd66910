"""The model as KServe sees it: metadata, and the requests that come by KServe's own way.

gRPC and CloudEvents arrive here through KServe; the REST predict routes are answered by lane.py. Both use the
same codec and the same batcher, of serving.py. The model itself is `MyModel` in trainer/model.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kserve
import numpy as np
import orjson
from kserve.errors import InvalidInput, ServerNotReady
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.infer_type import to_http_parameters

from .batching import Overloaded
from .codec import Output
from .drain import Drain
from .serving import Serving
from .telemetry import Telemetry
from .tensors import InvalidRequest, NamedArray, check, datatype_of, text


class Busy(ServerNotReady):
    """More requests wait than may wait: 503 over REST, UNAVAILABLE over gRPC."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # what KServe's gRPC server answers with


class ServingModel(Serving, kserve.Model):
    """Serves the model directory `model_dir` under a name, and counts and measures what it does."""

    def __init__(self, name: str, model_dir: Path, *settings: Any) -> None:
        super().__init__(name, model_dir, *settings)
        self.telemetry = Telemetry(name)
        self.on_call = self.telemetry.called

    def get_input_types(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "datatype": item.datatype, "shape": item.shape} for item in self.signature.inputs]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [{"name": item.name, "datatype": item.datatype, "shape": item.shape} for item in self.outputs]

    @property
    def slow(self) -> bool:
        """Whether the model takes long over its calls at present."""
        return self._batcher.slow

    async def predict(
        self, payload: Any, headers: dict[str, str] | None = None, response_headers: dict[str, str] | None = None
    ) -> dict[str, Any] | kserve.InferResponse:
        """Answer a request that KServe decoded: a dict or bytes of V1, or an InferRequest."""
        grpc = isinstance(payload, kserve.InferRequest) and payload.from_grpc
        door = "grpc" if grpc else "cloudevent"
        status = "INTERNAL" if grpc else "500"
        try:
            with self.telemetry.in_flight():
                answer = await self._predict(payload)
            status = "OK" if grpc else "200"
            return answer
        except InvalidRequest as error:
            status = "INVALID_ARGUMENT" if grpc else "400"
            raise InvalidInput(str(error)) from None
        except Overloaded as error:
            status = "UNAVAILABLE" if grpc else "503"
            raise Busy(str(error)) from None
        finally:
            self.telemetry.answered(door, status)

    async def explain(self, payload: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Answer V1's `:explain`: for each row the prediction, a base score, and what each column adds to it.

        Raises InvalidInput, or NotImplementedError, which KServe answers with 501.
        """
        try:
            body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
            return {"explanations": await self.explanations(body)}
        except InvalidRequest as error:
            raise InvalidInput(str(error)) from None

    async def _predict(self, payload: Any) -> dict[str, Any] | kserve.InferResponse:
        if isinstance(payload, kserve.InferRequest):
            return await self._predict_v2(payload)
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        outputs = await self.answer(self.codec.decode(body, v1=True))
        return {"predictions": outputs[0].values.tolist()}

    async def _predict_v2(self, payload: kserve.InferRequest) -> kserve.InferResponse:
        X = self.codec.from_tensors([_decode(item) for item in payload.inputs])
        parameters = payload.parameters or {}
        if payload.from_grpc:
            parameters = to_http_parameters(parameters)
        asked = [(output.name, False) for output in payload.request_outputs or ()]
        request = self.codec.request(X, self.codec.proba(parameters), payload.id, asked)
        return kserve.InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=[_encode(output) for output in await self.answer(request)],
        )


class ServingDataPlane(DataPlane):
    """KServe's, with honest readiness, and the word that it leaves out of a model's metadata: what runs the model."""

    def __init__(self, repository: kserve.ModelRepository, drain: Drain, repository_api: bool) -> None:
        super().__init__(repository)
        self._drain = drain
        self._repository_api = repository_api

    def metadata(self) -> dict[str, Any]:
        return {**super().metadata(), "extensions": ["model_repository_extension"] if self._repository_api else []}

    async def ready(self) -> bool:
        """Whether the server has a model, has each of them ready, and is not about to end."""
        names = list(self.model_registry.get_models())
        ready = [await self.model_registry.is_model_ready(name) for name in names]
        return bool(ready) and all(ready) and not self._drain.begun and await super().ready()

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """KServe asks before a request too, with its health check disabled: a server that drains still answers."""
        ready: bool = await super().model_ready(model_name, disable_predictor_health_check)
        return ready and (disable_predictor_health_check or not self._drain.begun)

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        metadata = await super().model_metadata(model_name)
        return {**metadata, "platform": self.get_model_from_registry(model_name).platform}


def _decode(item: kserve.InferInput) -> NamedArray:
    check(item.name, item.datatype, item.shape)
    try:
        values = item.as_numpy()
    except Exception as error:  # KServe's decoder raises whatever numpy and struct do
        raise InvalidRequest(f"input {item.name!r}: no {item.datatype} of shape {item.shape}: {error}") from None
    if item.datatype == "BYTES":
        strings = [value if isinstance(value, str) else text(item.name, value) for value in values.ravel()]
        values = np.array(strings, dtype=object).reshape(values.shape)
    return NamedArray(item.name, item.datatype, values)


def _encode(output: Output) -> kserve.InferOutput:
    values = output.values
    encoded = kserve.InferOutput(output.name, list(values.shape), datatype_of(values))
    encoded.set_data_from_numpy(values if values.dtype.kind != "U" else values.astype(object), binary_data=False)
    return encoded
