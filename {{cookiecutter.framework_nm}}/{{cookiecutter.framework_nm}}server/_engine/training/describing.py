"""What a model takes and gives, how it was made, and what it was made from: noted once it is there.

Not here: how that is written (saving.py), and what the model learns (fitting.py).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from ..artifact import example, provenance
from ..artifact.provenance import Data
from ..contract.errors import Unanswerable
from ..contract.rows import tensor_of
from ..drift import reference

if TYPE_CHECKING:
    from .model import Model

logger = logging.getLogger(__name__)


def describe(model: Model, X: Any, typical: Any = None) -> None:
    """Note it in the model, by X in the signature's form, [rows, columns], if there is data. The example is made of its
    `typical` rows, or of all. Raises ValueError where the model does not answer it.
    """
    model.example, data = model.signature.blank(), None
    if X is not None:
        model.example = example.typical(model.signature, X if typical is None else typical, model.min_count)
        model.reference = reference.learn(model.signature, X, model.min_count)
        data = Data(None, None, len(X), len(model.signature.columns))
    try:
        outputs = [tensor_of("predict", model.predict(model.example))]
    except Unanswerable as error:
        hidden = f'"text" stands for what fewer than {model.min_count} rows share, which --min_count changes'
        raise ValueError(f"the model does not answer its example, in which {hidden}: {error}") from None
    if model.task == "classification":
        try:
            outputs.append(tensor_of("predict_proba", model.predict(model.example, proba=True)))
        except (AttributeError, NotImplementedError):
            logger.warning("this model gives no probabilities")
    model.outputs = tuple(outputs)
    model.made = provenance.describe(type(model), msgspec.to_builtins(model._params, enc_hook=str), data, model.notes)
