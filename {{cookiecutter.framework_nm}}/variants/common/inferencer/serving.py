"""What a served model is on every SDK: a model directory, loaded, behind the codec and the batcher.

How an SDK calls it, and what it answers besides, is in model.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..trainer._core import ModelError, Unanswerable
from ..trainer.model import MyModel
from .batching import Batcher
from .codec import Codec, Output, Request
from .tensors import InvalidRequest


class Serving:
    """Serves the model directory `model_dir` under a name; a base beside the SDK's own, which it comes before."""

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
        super().__init__(name)  # type: ignore[call-arg]  # the SDK's
        self.model_dir = model_dir
        self.runtime = runtime
        self.device = device
        self.predict_proba = predict_proba
        self.max_batch_rows = max_batch_rows
        self.max_waiting = max_waiting
        #: Told of each call of the model: its rows, and the seconds that its requests waited.
        self.on_call: Callable[[int, list[float]], None] = lambda rows, waited: None

    def load(self) -> bool:
        """Load the model and let it answer its own input.json, so that a ready model is one that answers.

        Raises ModelError.
        """
        model = MyModel(dirpath=self.model_dir, runtime=self.runtime, device=self.device)
        if self.predict_proba and not model.has_proba:
            raise ModelError(f"PREDICT_PROBA is set, and {self.model_dir} has no probabilities")
        self.example = (self.model_dir / "input.json").read_bytes()
        try:
            self.codec = Codec(model.signature, model.outputs)
            model.answer(self.codec.decode(self.example, v1=True).X, self.predict_proba)
        except Exception as error:
            raise ModelError(f"{self.model_dir} does not answer its own input.json: {error}") from error
        self.platform = model.platform
        self.signature = model.signature
        self.outputs = model.outputs
        self._explain = model.explain
        self._batcher = Batcher(model.answer, self.max_batch_rows, self.max_waiting, self.on_call)
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

    async def explanations(self, body: bytes) -> list[dict[str, Any]]:
        """Say what each column adds to the predictions. Raises InvalidRequest, NotImplementedError."""
        return await self._batcher.alone(self._explain, self.codec.decode(body, v1=True).X)
