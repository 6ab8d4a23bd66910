"""What a model takes and gives, how it was made, and what it was made from: noted once it is there.

Not here: how that is written (saving.py), and what the model learns (fitting.py).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from ..artifact import example, provenance
from ..artifact.provenance import Data
from ..contract.rows import tensor_of
from ..drift import reference

if TYPE_CHECKING:
    from .model import Model

logger = logging.getLogger(__name__)


def describe(model: Model, X: Any, typical: Any = None) -> None:
    """Note it in the model, by X in the signature's form, [rows, columns], if there is data. The example is made of its
    `typical` rows, or of all.
    """
    model.example, data = model.signature.blank(), None
    if X is not None:
        model.example = example.typical(model.signature, X if typical is None else typical, model.min_count)
        model.reference = reference.learn(model.signature, X, model.min_count)
        data = Data(None, None, len(X), len(model.signature.columns))
    outputs = [tensor_of("predict", model.predict(model.example))]
    if model.task == "classification":
        try:
            outputs.append(tensor_of("predict_proba", model.predict(model.example, proba=True)))
        except (AttributeError, NotImplementedError):
            logger.warning("this model gives no probabilities")
    model.outputs = tuple(outputs)
    model.made = provenance.describe(type(model), msgspec.to_builtins(model._params, enc_hook=str), data, model.notes)
