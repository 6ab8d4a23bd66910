"""What a model holds, and how it forgets it: there is a whole model of one origin, or none.

Whatever makes another model, training or loading, forgets the one before, and what it could not finish. Not here: what
is done with a model.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..artifact.compiled import CompiledModel
from ..artifact.provenance import Provenance
from ..artifact.stored import Artifact
from ..contract.errors import ModelError
from ..contract.signature import Signature, Tensor
from .places import Places

if TYPE_CHECKING:
    from .model import Model


class State(Places):
    """A model or none, and what one is built with."""

    def __init__(self, task: str, runtime: str, device: str, params: dict[str, Any]) -> None:
        self.task = task
        self.runtime = runtime
        self.device = device
        self.report = lambda done, total: None
        self._params = params
        self._forget()

    def _forget(self) -> None:
        """Be no model at all."""
        self.signature = Signature(())
        self.state, self.model, self.labels, self.example = {}, None, None, None
        #: Of two labels, the probability from which the second one is answered; None where the likelier one is.
        self.threshold: float | None = None
        self.outputs: tuple[Tensor, ...] = ()
        self.metrics: dict[str, float] = {}
        #: The compiled model, where it answers.
        self.compiled: CompiledModel | None = None
        #: Whether saving made a compiled model, and if not, why.
        self.compiled_note = ""
        #: The rows of the last evaluation, which a compiled model is compared on.
        self.compared: Any = None
        #: Where it was loaded from; None for what was trained here.
        self.artifact: Artifact | None = None
        #: How it was made, where that is known.
        self.made: Provenance | None = None
        self._explainer: Model | None = None
        self._untrained = False
        for name in [*vars(self)]:
            if isinstance(getattr(type(self), name, None), functools.cached_property):
                delattr(self, name)

    def _build(self) -> None:
        self._forget()
        self.build(**self._params)
        self.place()
        self._untrained = True

    @contextmanager
    def _made_anew(self) -> Iterator[None]:
        """Start from an untrained model, and be none at all after an exception."""
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
