"""The table that a model is made from: read, its target settled, and how its rows are parted. Not here: training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..artifact.provenance import Data
from ..artifact.stored import digest
from ..contract.signature import Signature
from ..tables.reading import DataError, read_data
from .inspection import show
from .progress import progress
from .settings import TrainingSettings
from .splitting import Split, choose_split
from .task import check_target, choose_task, prepare_target


class Prepared(NamedTuple):
    """A table: the columns to learn from, the target, and how the rows are parted."""

    X: pd.DataFrame
    y: pd.Series
    task: str
    signature: Signature
    split: Split
    data: Data


def read(settings: TrainingSettings) -> tuple[pd.DataFrame, pd.Series, Data]:
    """Read the table that the settings name, and say which it is. Raises DataError where it cannot be used."""
    with progress("Reading the data"):
        X, y = read_data(settings.data, settings.target, settings.spellings, settings.text_columns)
    file = settings.data
    return X, y, Data(file.name if file else None, digest(file) if file else None, *X.shape)


def prepare(settings: TrainingSettings) -> Prepared:
    """Read a table to train on, and print what it is taken for. Raises DataError or ValueError where it cannot be
    used, or not as the settings say."""
    X, y, data = read(settings)
    task = choose_task(settings.task, y)
    y = prepare_target(task.name, y)
    # Numbers are parted by chance alone.
    labels = np.asarray(y) if task.name == "classification" else np.zeros(len(y))
    split = choose_split(X, labels, settings.group, settings.time)
    parts = [name for name in (settings.group, settings.time) if name]
    rest = X.drop(columns=parts)
    if rest.empty:
        raise DataError(f"beside {', '.join(map(repr, parts))} there are no columns to learn from")
    signature = Signature.learn(rest, settings.spellings)
    show(rest, y, signature, task, X[parts], settings.min_count)
    check_target(task.name, y, settings.threshold)
    return Prepared(rest, y, task.name, signature, split, data)
