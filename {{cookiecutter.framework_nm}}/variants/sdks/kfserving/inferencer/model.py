"""The model as KFServing sees it: loading, readiness, and the CloudEvents that come by KFServing's own way.

Plain requests are answered by handlers.py, with the same codec and the same batcher. The model itself is `MyModel`
in trainer/model.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kfserving
import orjson

from ..trainer._core import ModelError, Unanswerable
from ..trainer.model import MyModel
from .batching import Batcher, Overloaded
from .codec import Codec, Output, Request
from .handlers import Refused
from .tensors import InvalidRequest


class ServingModel(kfserving.KFModel):
    """Serves the model directory `model_dir` under a name."""

    def __init__(
        self,
        name: str,
        model_dir: Path,
        runtime: str = "auto",
        device: str = "cpu",
        predict_proba: bool = False,
        max_batch_rows: int = 1024,
        max_waiting: int = 1024,
    ) -> None:
        super().__init__(name)
        self.model_dir = model_dir
        self.runtime = runtime
        self.device = device
        self.predict_proba = predict_proba
        self.max_batch_rows = max_batch_rows
        self.max_waiting = max_waiting

    def load(self) -> bool:
        """Load the model and let it answer its own input.json, so that a ready model is one that answers.

        Raises ModelError.
        """
        model = MyModel(dirpath=self.model_dir, runtime=self.runtime, device=self.device)
        if self.predict_proba and not model.has_proba:
            raise ModelError(f"PREDICT_PROBA is set, and {self.model_dir} has no probabilities")
        try:
            self.codec = Codec(model.signature, model.outputs)
            example = self.codec.decode((self.model_dir / "input.json").read_bytes(), v1=True)
            model.answer(example.X, self.predict_proba)
        except Exception as error:
            raise ModelError(f"{self.model_dir} does not answer its own input.json: {error}") from error
        self.platform = model.platform
        self._explain = model.explain
        self._batcher = Batcher(model.answer, self.max_batch_rows, self.max_waiting)
        self.ready = True
        return True

    async def answer(self, request: Request) -> list[Output]:
        """Run the model on a decoded request; returns the outputs that were asked for.

        Raises Overloaded, InvalidRequest where the model cannot answer these rows, or whatever the model raises.
        """
        proba = self.predict_proba if request.proba is None else request.proba
        names = [name or ("predict_proba" if proba else "predict") for name, _ in request.outputs]
        try:
            return [Output(name, await self._batcher(request.X, name == "predict_proba")) for name in names]
        except Unanswerable as error:
            raise InvalidRequest(str(error)) from None

    async def explain(self, body: bytes) -> list[dict[str, Any]]:
        """Say what each column adds to the predictions. Raises InvalidRequest, NotImplementedError."""
        return await self._batcher.alone(self._explain, self.codec.decode(body, v1=True).X)

    async def predict(self, request: Any) -> dict[str, Any]:
        """Answer what KFServing took out of a CloudEvent: a dict, or bytes that it could not read."""
        body = request if isinstance(request, bytes) else orjson.dumps(request)
        try:
            outputs = await self.answer(self.codec.decode(body, v1=True))
        except InvalidRequest as error:
            raise Refused(400, str(error)) from None
        except Overloaded as error:
            raise Refused(503, str(error)) from None
        return {"predictions": outputs[0].values.tolist()}
