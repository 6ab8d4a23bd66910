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
        model.example = _typical(model, X if typical is None else typical)
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


def _typical(model: Model, X: Any) -> Any:
    """A typical row; where the model refuses the word that stands for rare texts, as one that was imported may, with
    the most frequent texts of the data."""
    signature = model.signature
    row = example.typical(signature, X, model.min_count)
    if signature.numeric:
        return row
    try:
        model.predict(row)
    except Exception:  # whatever the library raises
        frequent = example.typical(signature, X, min_count=1)
        row = row.assign(**{column.name: frequent[column.name] for column in signature.columns if column.text})
    return row
