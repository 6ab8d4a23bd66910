"""What a model holds and says of itself, and how it forgets it: there is a whole model of one origin, or none.

Whatever makes another model, training or loading, forgets the one before, and what it could not finish. Not here: what
is done with a model.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from ..artifact import compiled, provenance
from ..artifact.compiled import CompiledModel
from ..artifact.provenance import Data, Provenance, Spread
from ..artifact.stored import Artifact
from ..contract.errors import ModelError, NotAsAsked
from ..contract.features import Features
from ..contract.signature import Signature, Tensor
from ..drift.reference import Reference
from ..reporting.contents import Evaluation
from . import quickening
from .cores import available_cores
from .importing import Known
from .places import Places

if TYPE_CHECKING:
    from ..contract.signature import Input
    from .model import Model


class State(Places):
    """A model or none, and what one is built with."""

    def __init__(
        self, task: str, runtime: str, device: str, min_count: int, threads: int | None, params: dict[str, Any]
    ) -> None:
        self.task = task
        self.runtime = runtime
        self.device = device
        #: Rows that have to share a text before it is kept.
        self.min_count = min_count
        #: The threads that train, where somebody said how many.
        self.threads_asked = threads
        self.threads = threads or available_cores()
        self.report = lambda done, total: None
        self._params = params
        self._forget()

    def _forget(self) -> None:
        """Forget the model."""
        self.signature = Signature(())
        self._features = Features(self.signature)
        self.state, self.model, self.labels, self.example = {}, None, None, None
        self._quick: State | None = None
        self.notes = []
        self.weights = self.WEIGHTS
        #: Of two labels, the probability from which the second one is answered; None where the likelier one is.
        self.threshold: float | None = None
        self.outputs: tuple[Tensor, ...] = ()
        self.metrics: dict[str, float] = {}
        #: The compiled model, where it answers.
        self.compiled: CompiledModel | None = None
        #: Whether saving made a compiled model, and if not, why.
        self.compiled_note = ""
        #: What came of the report.
        self.report_note = ""
        #: The last evaluation, on whose rows a compiled model is compared.
        self.evaluation: Evaluation | None = None
        #: Rows that a model knows which was made elsewhere, in the signature's form; a compiled model is compared on
        #: them where there was no evaluation.
        self.rows: Any = None
        self.known = Known()
        #: Where it was loaded from; None for what was trained here.
        self.artifact: Artifact | None = None
        #: How it was made, where that is known.
        self.made: Provenance | None = None
        #: What rows of training and predictions looked like; None where nobody knows.
        self.reference: Reference | None = None
        self._explainer: Model | None = None
        self._untrained = False
        for name in [*vars(self)]:
            if isinstance(getattr(type(self), name, None), functools.cached_property):
                delattr(self, name)

    def _build(self) -> None:
        self._forget()
        self.build(**self._params)
        self._move()
        self._untrained = True

    def _move(self) -> None:
        """Move the model to its device. Raises NotAsAsked where it cannot go there."""
        try:
            self.place()
        except ModelError as error:
            raise NotAsAsked(str(error)) from error

    @contextmanager
    def _made_anew(self) -> Iterator[None]:
        """Start from an untrained model; hold none after an exception."""
        if not self._untrained:
            self._build()
        self._untrained = False
        try:
            yield
        except BaseException:
            self._forget()
            raise

    def _check_made(self) -> None:
        if not self.signature.columns:
            raise ModelError("there is no model yet: train it, or load one with MyModel(dirpath=...)")

    def record(
        self, settings: dict[str, Any], data: Data | None = None, folds: dict[str, Spread] | None = None
    ) -> None:
        """Note what a model cannot know of how it was made: the settings of the command, the data's file, and the
        scores of folds.
        """
        self._check_made()
        assert self.made
        self.made = msgspec.structs.replace(self.made, settings=settings, data=data or self.made.data, folds=folds)

    def set_threshold(self, threshold: float | None) -> None:
        """Answer the second of two labels where its probability reaches a threshold, or with None the likelier one.

        It is saved with the model. Probabilities stay as they are. Raises ValueError where there are no two labels, or
        no probabilities.
        """
        self._check_made()
        if threshold is not None and (self.labels is None or len(self.labels) != 2 or not self.has_proba):
            raise ValueError("a threshold is for models that give probabilities of two labels")
        self.threshold = threshold

    def derive(self, X: Input) -> Input:
        """Make of rows in the signature's form the columns that the model learns from."""
        if self._features.signature is not self.signature:
            self._features = Features(self.signature)
        return self._features(X)

    @property
    def quick(self) -> State:
        """What `infer` is asked of: a copy that shares all but answers by a quicker view of `model`, if loading found
        one, and nobody has put another model there; else this."""
        return self._quick if self._quick and quickening.is_of(self._quick.model, self.model) else self

    @property
    def has_proba(self) -> bool:
        return any(output.name == "predict_proba" for output in self.outputs)

    @property
    def answers(self) -> str:
        """Which file of its directory answers, and which was not opened for that; for a log."""
        assert self.artifact
        weights = self.artifact.weights
        return f"{compiled.FILE} answers, {weights} was not opened" if self.compiled else f"{weights} answers"

    @property
    def native_from(self) -> int | None:
        """From how many rows on the framework's own model was quicker than the compiled one that answers; None where it
        never was, or a runtime was chosen.
        """
        if not (self.artifact and self.compiled and self.runtime == "auto"):
            return None
        rows = (self.artifact.metadata.compiled or {}).get("native_from")
        return int(rows) if rows else None

    @property
    def output_aliases(self) -> dict[str, str]:
        """Other names by which clients may ask for an output, such as a graph's own, and the output's name."""
        return {}

    @property
    def advice(self) -> str:
        """Which of the files that decide what it answers changed since it was made, and what to do; "" if none did."""
        return provenance.advice(self.made, type(self))

    @property
    def platform(self) -> str:
        """What answers, for the Open Inference Protocol's metadata: the framework or ONNX Runtime, and a GPU."""
        name = "onnxruntime" if self.compiled else self.FRAMEWORK
        return name if self.device == "cpu" else f"{name}_{self.device}"
