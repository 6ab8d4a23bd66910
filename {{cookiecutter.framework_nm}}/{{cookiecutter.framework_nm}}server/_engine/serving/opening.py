"""Opening a model to be served: it is loaded, and answers its own input.json, or an error says why not.

Not here: what is done with it then, and which of several versions is opened.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, List, Optional, Protocol, TypeVar

import msgspec
import numpy as np

from ..artifact import example
from ..contract.errors import ModelError, NotAsAsked, owners_frames
from ..contract.signature import Signature, Tensor
from ..drift.reference import Reference
from ..protocol.requests import Decoder
from ..protocol.tensors import datatype_of

logger = logging.getLogger(__name__)


class Servable(Protocol):
    """What is served: a model, such as a loaded `MyModel`, that says what it takes and gives, answers and explains."""

    signature: Signature
    outputs: tuple[Tensor, ...]
    #: The rows of input.json, in the signature's form.
    example: Any
    labels: Optional[np.ndarray]
    threshold: Optional[float]
    #: What training saw, if it kept that.
    reference: Optional[Reference]

    @property
    def output_aliases(self) -> Mapping[str, str]:
        """Other names of its outputs, such as a graph's own."""

    @property
    def platform(self) -> str: ...

    @property
    def has_proba(self) -> bool: ...

    @property
    def answers(self) -> str:
        """Which file of its directory answers, and which was not opened for that; for the log."""

    @property
    def native_from(self) -> Optional[int]:
        """From how many rows on `native` was quicker than what answers; None where it never was."""

    @property
    def advice(self) -> str:
        """Why it may answer otherwise than when it was trained, and what to do, as the end of a message; or ""."""

    def answer(self, X: Any, proba: bool) -> np.ndarray: ...

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray: ...

    def explain(self, X: Any) -> list[dict[str, Any]]: ...

    def explainer(self) -> Servable: ...

    def native(self) -> Servable: ...


AnyModel = TypeVar("AnyModel", bound=Servable)


def open_model(
    model_class: Callable[..., AnyModel],
    model_dir: Path,
    runtime: str = "auto",
    device: str = "cpu",
    predict_proba: bool = False,
    verify_key: Path | None = None,
    lenient: bool = False,
) -> tuple[AnyModel, Decoder, bytes]:
    """Load the model in `model_dir`, which the owner of a key has signed if one is given, and let it answer its own
    input.json; returns it, its decoder, and that request.

    Its outputs are described as it answers now: `post_func` may have changed since training.
    Raises Unsigned, NotAsAsked where only the options are in the way, and ModelError, whatever the owner's code raises.
    """
    model: AnyModel | None = None
    try:
        model = model_class(dirpath=model_dir, runtime=runtime, device=device, verify_key=verify_key)
        if predict_proba and not model.has_proba:
            raise NotAsAsked(f"PREDICT_PROBA is set, but {model_dir} has no probabilities")
        decoder = Decoder(model.signature, model.outputs, model.output_aliases, lenient)
        request = example.request(model.signature, model.example)
        X = decoder.decode(request, v1=True).X
        if predict_proba:
            model.answer(X, True)
        predicted, *others = model.outputs
        model.outputs = (msgspec.structs.replace(predicted, datatype=datatype_of(model.answer(X, False))), *others)
        advice = model.advice
        if advice:
            logger.warning("%s answers its own input.json%s", model_dir, advice)
        return model, decoder, request
    except ModelError:
        raise
    except Exception as error:
        advice = model.advice if model else ""
        raise ModelError(
            f"{model_dir} does not answer its own input.json with your code as it is now: {_with_place(error)}"
            f"{advice or '; train again (make train), or restore the code that it was trained with'}"
        ) from error


def answered_labels(model: Servable) -> Optional[List[Any]]:
    """A classifier's labels as it answers them, in the order of its probabilities.

    None where it has none, or where `post_func` does not make each label another one.
    """
    if model.labels is None:
        return None
    try:
        answered = np.asarray(model.postprocess(model.labels))
    except Exception:  # the owner's code may need whole answers
        return None
    return answered.tolist() if answered.shape == model.labels.shape else None


def _with_place(error: Exception) -> str:
    """An error in one line, with its place in the owner's code where it came from there."""
    *_, place = [None, *owners_frames(error)]
    where = f" ({os.path.relpath(place.filename)}, line {place.lineno})" if place else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + where
