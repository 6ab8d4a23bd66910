"""A model of the owner's that is served without an SDK, for tests of what all ways in share."""

from __future__ import annotations

import functools
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np
from _engine.contract.signature import Signature, Tensor
from _engine.drift.reference import Reference
from _engine.serving.model import Serving


class Numbers:
    """What is alike in models that answer numbers; `calls` has the rows of each call."""

    signature: Signature
    example: Any
    outputs: Tuple[Tensor, ...] = (Tensor("predict", "FP64", (-1,)),)
    platform, has_proba, advice, answers = "test", False, "", "model.test answers"
    labels: np.ndarray | None = None
    threshold: float | None = None
    native_from: int | None = None
    reference: Reference | None = None
    output_aliases: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        self.calls: List[int] = []

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        raise NotImplementedError

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return y_hat

    def explain(self, X: Any) -> List[Dict[str, Any]]:
        return [{"prediction": value} for value in self.answer(X, False).tolist()]

    def explainer(self) -> Numbers:
        return self

    def native(self) -> Numbers:
        return self


class _Sdk:
    """What an SDK's model class does with a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Served(Serving, _Sdk):
    """A model behind the gate."""


def serve(owners: Numbers, folder: Path, **settings: Any) -> Any:
    """Load a model under the name "m"; its `calls` begin with the first request."""
    directory = folder / "0001"
    directory.mkdir(exist_ok=True)
    _Served.model_class = functools.partial(lambda **_: owners)  # no method of its class
    model = _Served("m", directory, **settings)
    model.load()
    owners.calls.clear()
    return model
