"""What a served model is on every SDK: a model directory, loaded, behind the decoder and the batcher.

How an SDK calls it, and what it answers besides, is in sdk/model.py.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..artifact.metadata import is_readable
from ..artifact.versions import versions
from ..contract.errors import ModelError, Unanswerable
from ..protocol.answers import Output
from ..protocol.outputs import Asked
from ..protocol.requests import Request
from ..protocol.tensors import InvalidRequest
from .batching import Batcher, Unavailable
from .beside import BESIDE
from .choosing import Choosing
from .jobs import Job, Result
from .opening import Servable, answered_labels, open_model
from .telemetry import Telemetry, Trace
from .watch import Watch, watch

S = TypeVar("S", bound="Serving")


class Serving:
    """Serves the model directory `model_dir` under a name; a base beside the SDK's own, which it comes before."""

    #: Makes the model of a directory: `MyModel` of trainer/model.py, with dirpath, runtime, device and verify_key.
    model_class: ClassVar[Callable[..., Servable]]

    def __init__(
        self,
        name: str,
        model_dir: Path,
        runtime: str = "auto",
        device: str = "cpu",
        predict_proba: bool = False,
        max_batch_rows: int = 1024,
        max_waiting: int = 1024,
        stuck_seconds: float = 60,
        verify_key: Path | None = None,
        lenient: bool = False,
        quick_calls: bool = True,
    ) -> None:
        super().__init__(name)  # type: ignore[call-arg]  # the SDK's
        self.model_dir = model_dir
        self.runtime = runtime
        self.device = device
        self.predict_proba = predict_proba
        self.max_batch_rows = max_batch_rows
        self.max_waiting = max_waiting
        self.stuck_seconds = stuck_seconds
        #: Whose signature the directory has to have, if any.
        self.verify_key = verify_key
        self.lenient = lenient
        self.quick_calls = quick_calls
        #: What the directory is a part of, and what must stay while the model is served: its weights may be read later.
        self.source: object = None
        self.telemetry = Telemetry()
        #: What counts what is asked and answered, where training kept what it can be compared with.
        self.watch: Watch | None = None

    @property
    def ready(self) -> bool:
        """Whether it is loaded, and answers."""
        return self._loaded and not self.stuck

    @ready.setter
    def ready(self, loaded: bool) -> None:
        self._loaded = loaded

    @property
    def version(self) -> str:
        """The version that is served, where its directory has a number for a name, or ""."""
        return self.model_dir.name if self.model_dir.name.isdecimal() else ""

    def is_version(self, version: str) -> bool:
        """Whether it is the version that is served that a client asks for: 1 and 0001 are one."""
        return version.isdecimal() and len(version) < 18 and self.version != "" and int(version) == int(self.version)

    def other_version(self, version: str) -> str:
        """Say that another version than the one that is served cannot be asked."""
        served = f"{self.version} is" if self.version else "it has none"
        return f"Model {self.name} has no version {version!r} that is served: {served}."  # type: ignore[attr-defined]

    @property
    def versions(self) -> list[str]:
        """The versions of this model that lie where it does, and that could be loaded as far as their metadata says,
        oldest first.
        """
        return [path.name for path in versions(self.model_dir.parent) if is_readable(path)] if self.version else []

    @property
    def stuck(self) -> str:
        """Why it no longer answers predictions, and only another process would, or "" where it does."""
        return self._batcher.stuck

    def load(self) -> bool:
        """Load the model and let it answer its own input.json, so that a ready model is one that answers.

        Raises ModelError, whatever the model's own code raises.
        """
        try:
            with BESIDE:
                self._load()
        except Exception:
            raise
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            if interrupted and threading.current_thread() is threading.main_thread():  # Ctrl-C, while the server starts
                raise
            raise ModelError(f"{self.model_dir} cannot be loaded: its code raised {type(error).__name__}") from error
        self.ready = True
        return True

    def _load(self) -> None:
        model, self.decoder, self.example = open_model(
            self.model_class,
            self.model_dir,
            self.runtime,
            self.device,
            self.predict_proba,
            self.verify_key,
            self.lenient,
        )
        self.platform = model.platform
        self.answers = model.answers
        self.signature = model.signature
        self.outputs = model.outputs
        self.labels = answered_labels(model)
        limits = (self.max_batch_rows, self.max_waiting)
        predict = _Predictor(model)
        self._batcher = Batcher(predict, *limits, self.telemetry.called, self.stuck_seconds)
        if self.quick_calls and self.signature.numeric:  # over a text, how long it takes depends on the text
            row = self.decoder.decode(self.example, v1=True).X[:1]
            self._batcher.measure(row, self.predict_proba)
        # From here on: nobody has asked the rows before.
        self.watch = predict.watch = watch(model, self.labels)
        predict.answer = Choosing(model).answer
        self._explanations = Batcher(_Explainer(model), *limits, stuck_seconds=self.stuck_seconds, step="explain")

    async def answer(self, request: Request, trace: Trace | None = None) -> list[Output]:
        """Run the model on a decoded request; returns the outputs that were asked for.

        Raises Overloaded, InvalidRequest where the model cannot answer these rows, or ModelFailed.
        """
        found = []
        try:
            for asked in request.outputs:
                name = self.output_of(request, asked)
                values = await self._batcher(request.X, name == "predict_proba", trace)
                found.append(Output(asked.alias or name, values))
            return found
        except Unanswerable as error:
            raise InvalidRequest(str(error)) from None

    def submit(self, request: Request, done: Callable[[Result], object]) -> Job:
        """Have a decoded request for one output answered, without a task that waits for it: `done` is told the values
        in a later turn of the event loop, or Unanswerable, or ModelFailed. Raises Overloaded.
        """
        proba = self.output_of(request, request.outputs[0]) == "predict_proba"
        return self._batcher.submit(request.X, proba, done)

    def output_of(self, request: Request, asked: Asked) -> str:
        """The model's name for an output that a request asks for."""
        if asked.output:
            return asked.output
        proba = self.predict_proba if request.proba is None else request.proba
        return "predict_proba" if proba else "predict"

    async def explanations(self, request: Request, trace: Trace | None = None) -> list[dict[str, Any]]:
        """Say of a decoded request what each column adds to the predictions; predictions do not wait for it.

        Raises Overloaded, Unavailable, NoExplanations, InvalidRequest where the model cannot answer these rows, or
        ModelFailed.
        """
        stuck = self._explanations.stuck
        if stuck:
            raise Unavailable(f"explanations of this model are not answered: {stuck}")
        try:
            found: list[dict[str, Any]] = (await self._explanations(request.X, False, trace)).tolist()
            return found
        except Unanswerable as error:
            raise InvalidRequest(str(error)) from None


def maker(model_class: type[S], arguments: argparse.Namespace) -> Callable[[str, Path], S]:
    """What makes the models of a server, by name and directory, with its options; they are still to be loaded."""
    return partial(
        model_class,
        runtime=arguments.runtime,
        device=arguments.device,
        predict_proba=arguments.predict_proba,
        max_batch_rows=arguments.max_batch_rows,
        max_waiting=arguments.max_waiting,
        stuck_seconds=arguments.stuck_seconds,
        verify_key=arguments.verify_key,
        lenient=arguments.lenient,
        quick_calls=arguments.quick_calls,
    )


class _Predictor:
    """Answers rows of one or several requests, and notes them.

    It does not know who serves the model: that would be a cycle, which is never collected in a model from the start,
    when the server froze what it had, so that a reload would leave the old model, and its download.
    """

    def __init__(self, model: Servable) -> None:
        self.answer = model.answer
        self.watch: Watch | None = None

    def __call__(self, X: Any, proba: bool) -> np.ndarray:
        values = self.answer(X, proba)
        if self.watch:
            self.watch.note(X, values)
        return values


class _Explainer:
    """Explains with a model of its own, read when the first explanation is asked for."""

    def __init__(self, model: Servable) -> None:
        self._served = model
        self._own: Servable | None = None

    def __call__(self, X: Any, proba: bool) -> list[dict[str, Any]]:
        if self._own is None:
            try:
                self._own = self._served.explainer()
            except ModelError as error:
                raise Unavailable(f"this model cannot be explained: {error}") from error
        return self._own.explain(X)


def not_live(models: Iterable[Serving]) -> str:
    """Why this process should be replaced by another one: a model no longer answers. "" where all do."""
    return "; ".join(f"model {model.name}: {model.stuck}" for model in models if model.stuck)  # type: ignore[attr-defined]
