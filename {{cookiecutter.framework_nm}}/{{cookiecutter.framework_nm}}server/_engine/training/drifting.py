"""The command `make drift`: a table beside the rows of training. Not here: what is compared, and how it is shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import List, Optional, Tuple

import msgspec
import numpy as np
import pandas as pd

from ..contract.errors import ModelError
from ..contract.signature import Signature
from ..contract.truths import Truths
from ..drift.bins import compare
from ..drift.reference import FILE, Named, Reference, columns_of
from ..reporting import drift
from ..reporting.drift import Compared
from ..tables.files import DataError, Dialect, read_table
from .model import Model

_TRUTHS = Truths("true", "false")


def run(model_class: Callable[..., Model], arguments: Optional[List[str]] = None) -> None:
    """Compare a table with what a model was trained on; print how far columns moved, and write a page."""
    parser = argparse.ArgumentParser(prog="drift", description="Compare a table with the rows of training.")
    parser.add_argument("model_dir", type=Path, help="the version that was trained")
    parser.add_argument("file", type=Path, help="CSV or Parquet file with the columns of training; others are ignored")
    parser.add_argument("--page", type=Path, default=Path("drift.html"), help="where the page goes")
    for option in Dialect._fields:
        parser.add_argument(f"--{option}", default="", help="as for training")
    chosen = parser.parse_args(arguments)
    dialect = Dialect(*(getattr(chosen, option) for option in Dialect._fields))
    try:
        model = model_class(dirpath=chosen.model_dir, runtime="auto")
        if model.reference is None:
            raise ModelError(
                f"{chosen.model_dir} has no {FILE}, so there is nothing to compare with: train again (make train)"
            )
        X = read(chosen.file, model.signature, dialect)
        compared = compare_columns(model.signature, model.reference, X)
        predictions, remarks = compare_predictions(model, model.reference, X)
        compared += predictions
        if not compared:
            raise ModelError(f"{FILE} of {chosen.model_dir} has no columns: tensors and free text are not compared")
        title = f"{chosen.file.name} beside {model.FRAMEWORK}, version {chosen.model_dir.resolve().name}"
        chosen.page.write_text(drift.write(title, len(X), compared, remarks), encoding="utf-8")
    except (DataError, ModelError, OSError, ValueError) as error:
        sys.exit(str(error))
    print(f"{len(X)} rows beside training's; population stability index, from {drift.MOVED} on a column has moved:")
    print("\n".join([*drift.lines(compared), *remarks, f"Page: {chosen.page}"]))


def read(file: Path, signature: Signature, dialect: Dialect) -> pd.DataFrame | np.ndarray:
    """The rows of a file in the signature's form. Raises DataError where it has other columns, values or no rows."""
    if signature.tensor:
        raise DataError("this model's rows are tensors, of which a table has none")
    frame, _ = read_table(file, dialect)
    # Requests have true and false themselves, and files their names.
    spelt = [
        msgspec.structs.replace(column, form=_TRUTHS) if column.datatype == "BOOL" and column.form is None else column
        for column in signature.columns
    ]
    try:
        X = msgspec.structs.replace(signature, columns=tuple(spelt)).conform(frame)
    except ValueError as error:
        raise DataError(f"{file} does not fit the model: {error}") from error
    if not len(X):
        raise DataError(f"{file} has no rows")
    return X


def compare_columns(signature: Signature, reference: Reference, X: pd.DataFrame | np.ndarray) -> List[Compared]:
    """Each column of X, in the signature's form, beside training's."""
    found = []
    for column, values in zip(signature.columns, columns_of(X)):
        bins = reference.columns.get(column.name)
        if bins:
            counts = bins.count(values)
            found.append(Compared(column, bins, counts, compare(column.name, bins, counts)))
    return found


def compare_predictions(
    model: Model, reference: Reference, X: pd.DataFrame | np.ndarray
) -> Tuple[List[Compared], List[str]]:
    """What a model predicts for X beside what it predicted for the evaluation, and remarks about it."""
    bins = reference.predictions
    if bins is None:
        return [], ["Predictions are not compared: the model was saved without an evaluation."]
    known = np.ones(len(X), bool)
    for column, values in zip(model.signature.columns, columns_of(X)):
        if not column.nullable:
            known &= pd.notna(values)
    if not known.any():
        return [], ["Predictions are not compared: each row misses a value that training always had."]
    y_hat = model.in_data_terms(X[known])
    if model.labels is not None:
        named = Named(model.labels, model.labels.tolist(), model.threshold).read(y_hat)
        assert named is not None
        y_hat = named
    counts = bins.count(y_hat)
    left = len(known) - int(known.sum())
    remarks = [f"{left} rows miss a value that training always had: a server refuses them."] if left else []
    return [Compared(None, bins, counts, compare("predictions", bins, counts))], remarks
