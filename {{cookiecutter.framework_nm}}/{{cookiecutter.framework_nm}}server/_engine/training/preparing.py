"""The table that a model is made from: read, its target settled, and how its rows are parted. Not here: training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..artifact.provenance import Data
from ..artifact.stored import digest
from ..contract.signature import Signature
from ..tables import profile
from ..tables.reading import DataError, Dialect, Table, Wanted, read_data
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
    table: Table
    settings: TrainingSettings
    split: Split
    data: Data

    def signature(self, rows: np.ndarray) -> Signature:
        """What is learnt of the columns from some rows. Raises DataError where nothing can be learnt from them."""
        X = self.X.iloc[rows]
        unused = {name: profile.why_unused(X[name]) for name in X if name not in self.settings.kinds}
        if all(unused.get(name) for name in X):  # keys alone may mean something: names, or words
            unused = {name: why if profile.constant(X[name]) else "" for name, why in unused.items()}
        left_out = {**self.table.unused, **{name: why for name, why in unused.items() if why}}
        if not {*X} - {*left_out}:
            raise DataError("every column has the same value in every row: there is nothing to learn from")
        return Signature.learn(X, self.settings.spellings, self.table.forms, left_out)


def read(settings: TrainingSettings, plain: bool = False) -> tuple[Table, Data]:
    """Read the table that the settings name, and say which it is; `plain` as in Wanted. Raises DataError where it
    cannot be used."""
    wanted = Wanted(settings.kinds, settings.spellings, settings.decimal, plain)
    dialect = Dialect(settings.separator, settings.decimal, settings.encoding)
    with progress("Reading the data"):
        table = read_data(settings.data, settings.target, wanted, dialect, settings.dropped)
    file = settings.data
    return table, Data(file.name if file else None, digest(file) if file else None, *table.X.shape)


def prepare(settings: TrainingSettings) -> Prepared:
    """Read a table to train on, and print what it is taken for. Raises DataError or ValueError where it cannot be
    used, or not as the settings say."""
    table, data = read(settings)
    X, y = table.X, table.y
    task = choose_task(settings.task, y)
    y = prepare_target(task.name, y)
    # Numbers are parted by chance alone.
    labels = np.asarray(y) if task.name == "classification" else np.zeros(len(y))
    split = choose_split(X, labels, settings.group, settings.time)
    parts = [name for name in (settings.group, settings.time) if name]
    rest = X.drop(columns=parts)
    if rest.empty:
        raise DataError(f"beside {', '.join(map(repr, parts))} there are no columns to learn from")
    table = table._replace(unused={**table.unused, **dict.fromkeys(parts, "it splits the rows")})
    prepared = Prepared(rest, y, task.name, table, settings, split, data)
    show(rest, y, prepared.signature(np.arange(len(y))), task, X[parts], settings.min_count)
    check_target(task.name, y, settings.threshold)
    return prepared
