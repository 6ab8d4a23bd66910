"""drift.json: what rows of training and predictions looked like, as counts in bins. It shows no row, and no rare text.

Not here: how bins are chosen (bins.py), and what is compared with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import msgspec
import numpy as np

from ..contract.columns import Column
from ..contract.errors import ModelError
from ..contract.signature import Signature
from .bins import Bins, named_bins, of_numbers, of_texts

FILE = "drift.json"


class Reference(msgspec.Struct, frozen=True):
    """The bins of columns by their names, and those of predictions, where there was an evaluation.

    Columns of which nothing can be said are not there: texts that are another one in each row, and tensors.
    """

    columns: Dict[str, Bins]
    predictions: Optional[Bins] = None


def learn(signature: Signature, X: Any, min_count: int) -> Reference:
    """Learn from rows in the signature's form, [rows, columns]; no bin tells of fewer than `min_count` rows."""
    if signature.tensor:
        return Reference({})
    bins = {column.name: _learn(column, values, min_count) for column, values in zip(signature.columns, columns_of(X))}
    return Reference({name: found for name, found in bins.items() if found})


def of_predictions(y_hat: np.ndarray, labels: Optional[np.ndarray], min_count: int) -> Optional[Bins]:
    """The bins of predictions, [rows]: of numbers, or a bin for each label, as they are in the data; None of others."""
    if y_hat.ndim != 1:
        return None
    if labels is None:
        return of_numbers(np.asarray(y_hat, np.float64), min_count)
    return named_bins(tuple(map(str, labels.tolist())), [str(label) for label in y_hat.tolist()])


def columns_of(X: Any) -> List[np.ndarray]:
    """The columns of rows in a signature's form, each an array, [rows]."""
    if hasattr(X, "iloc"):
        return [X.iloc[:, at].to_numpy() for at in range(X.shape[1])]
    return list(np.ascontiguousarray(np.asarray(X, np.float64).T))


class Named:
    """Predictions as texts, by which labels have their bins; `answered` are the labels as the model answers them."""

    def __init__(self, labels: np.ndarray, answered: Optional[List[Any]], threshold: Optional[float]) -> None:
        self._texts = [str(label) for label in labels.tolist()]
        # Where `post_func` makes one of several labels, nobody knows which it was.
        known = answered is not None and len(set(answered)) == len(self._texts)
        self._named: Optional[Mapping[Any, str]] = dict(zip(answered or (), self._texts)) if known else None
        self._threshold = threshold

    def read(self, values: np.ndarray) -> Optional[np.ndarray]:
        """Labels, [rows], or their probabilities, [rows, labels], as texts; None where they cannot be told."""
        if values.ndim == 2:
            first = values.argmax(axis=1) if self._threshold is None else values[:, 1] >= self._threshold
            return np.array(self._texts, object)[first.astype(np.intp)]
        if self._named is None:
            return None
        if values.dtype.kind in "biuf":  # a look at each number takes longer
            different, which = np.unique(values, return_inverse=True)
            return np.array([self._named.get(value) for value in different.tolist()], object)[which]
        return np.array([self._named.get(value) for value in values.tolist()], object)


def write(folder: Path, reference: Reference) -> None:
    """Write drift.json."""
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(reference), indent=1) + b"\n")


def read(content: bytes) -> Reference:
    """The reference that `write` wrote. Raises ModelError where it is none."""
    try:
        found = msgspec.json.decode(content, type=Reference)
    except msgspec.MsgspecError as error:
        raise ModelError(f"{FILE} cannot be read: {error}") from error
    wrong = [name for name, bins in _all(found) if len(bins.counts) != len(bins.texts or bins.edges) + 2]
    if wrong:
        raise ModelError(
            f"{FILE} is damaged: the numbers of its bins and of their counts differ for {', '.join(wrong)}"
        )
    return found


def _all(reference: Reference) -> List[Tuple[str, Bins]]:
    predictions = [("the predictions", reference.predictions)] if reference.predictions else []
    return [*reference.columns.items(), *predictions]


def _learn(column: Column, values: np.ndarray, min_count: int) -> Optional[Bins]:
    if column.text:
        return of_texts(values.tolist(), min_count)
    return of_numbers(values.astype(np.float64), min_count)
