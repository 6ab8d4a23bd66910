"""Training's tools: reading data, splitting it, scoring, and numbering versions.

Serving never imports this module: some of what it needs is installed for training only.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sklearn import metrics
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from .signature import LARGEST


class DataError(Exception):
    """Training data that cannot be used. The message says what is wrong and where."""


def read_data(path: Path | None, target: str | None) -> tuple[pd.DataFrame, pd.Series]:
    """Read a CSV or Parquet file and take the target column off; without a file, read the iris data set.

    Rows without a target are dropped, and so are columns without any value, with a word on each.
    Raises DataError where the file cannot be read, is no table of plain values, or has no such target.
    """
    if path is None or target is None:
        iris = load_iris(as_frame=True)
        return iris.data, iris.target
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            if path.suffix.lower() in {".parquet", ".pq"}:
                frame = pd.read_parquet(path)
            else:
                frame = pd.read_csv(path, low_memory=False, index_col=False)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}; save it as UTF-8") from error
    except (OSError, ValueError, ImportError, pd.errors.ParserWarning) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    frame.columns = frame.columns.map(str)
    if target not in frame:
        raise DataError(
            f"{path} has no column {target!r}; its columns are {', '.join(map(repr, frame.columns))}"
            + (": it needs commas between them" if frame.shape[1] == 1 and target in frame.columns[0] else "")
        )
    missing = frame[target].isna()
    if missing.any():
        print(f"{missing.sum()} rows without a value in {target!r} are left out")
        frame = frame[~missing]
    X = frame.drop(columns=target)
    empty = X.columns[X.isna().all()]
    if len(empty):
        print(f"columns without any value are left out: {', '.join(map(repr, empty))}")
    X = X.drop(columns=empty)
    if X.shape[1] == 0 or len(X) < 2:
        raise DataError(f"{path} has {len(X)} rows with a value in {target!r} and {X.shape[1]} other columns to use")
    for name in X.columns:
        if name.startswith("Unnamed: "):
            print(f"a column has no name and is called {name!r}: if it numbers the rows, leave it out of the file")
        if X[name].map(lambda value: isinstance(value, (list, dict, set, np.ndarray))).any():
            raise DataError(f"column {name!r} holds lists or structures: make columns of plain values from it")
        if not pd.api.types.is_numeric_dtype(X[name]) and X[name].nunique() == len(X):
            print(f"column {name!r} has another text in every row: if it names the row, leave it out of the file")
    return X, frame[target]


def choose_task(task: str, y: pd.Series) -> str:
    """Settle "auto": many different numbers are to be predicted, anything else is to be classified."""
    if task != "auto":
        return task
    numbers = pd.api.types.is_numeric_dtype(y) and not pd.api.types.is_bool_dtype(y)
    whole = numbers and bool((y % 1 == 0).all())
    return "regression" if numbers and (not whole or y.nunique() > 20) else "classification"


def prepare_target(task: str, y: pd.Series) -> pd.Series:
    """Labels as bool, int or str, and numbers as float64. Raises DataError where numbers are none."""
    if task == "regression":
        try:
            numbers = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"column {y.name!r} holds more than numbers: {error}; numbers needed") from error
        if not (numbers.abs() <= LARGEST).all():
            raise DataError(f"column {y.name!r} has infinite numbers, or larger ones than {LARGEST:.1e}")
        return numbers
    if pd.api.types.is_bool_dtype(y) or all(isinstance(value, bool) for value in y):
        return y.astype(bool)
    if pd.api.types.is_numeric_dtype(y) and (y % 1 == 0).all() and (y.astype(np.float64).abs() < 2**63).all():
        return y.astype(np.int64)
    return y.astype(str)


def split(X: pd.DataFrame, y: pd.Series, task: str, share: float, seed: int) -> list[Any]:
    """Split into X_train, X_eval, y_train, y_eval, each in the order of the data.

    Labels keep their shares in both parts where each has the rows for it.
    """
    several = task == "classification" and y.value_counts().min() > 1
    counted = several and min(share, 1 - share) * len(y) >= y.nunique()
    parts = train_test_split(X, y, test_size=share, random_state=seed, stratify=y if counted else None)
    return [part.sort_index() for part in parts]


def score(
    task: str, y: np.ndarray, y_hat: np.ndarray, proba: np.ndarray | None, labels: np.ndarray | None
) -> dict[str, float]:
    """The usual metrics, by name, beside those of a model that knows nothing (baseline_...).

    What these rows do not suffice to compute is left out.
    """
    scores = _score(task, y, y_hat, proba, labels)
    return {name: float(value) for name, value in scores.items() if np.isfinite(value)}


def _score(
    task: str, y: np.ndarray, y_hat: np.ndarray, proba: np.ndarray | None, labels: np.ndarray | None
) -> dict[str, Any]:
    if task == "regression":
        return {
            "mae": metrics.mean_absolute_error(y, y_hat),
            "rmse": np.sqrt(metrics.mean_squared_error(y, y_hat)),
            "r2": metrics.r2_score(y, y_hat) if len(y) > 1 else np.nan,
            "baseline_mae": np.abs(y - np.median(y)).mean(),
        }
    scores = {
        "accuracy": metrics.accuracy_score(y, y_hat),
        "f1_macro": metrics.f1_score(y, y_hat, average="macro"),
        "baseline_accuracy": np.unique(y, return_counts=True)[1].max() / len(y),
    }
    if proba is not None and labels is not None and np.isin(y, labels).all():
        of_truth = proba[np.arange(len(y)), np.searchsorted(labels, y)]
        scores["log_loss"] = -np.log(of_truth.clip(1e-15)).mean()
        if len(labels) == 2 and len(np.unique(y)) == 2:
            scores["roc_auc"] = metrics.roc_auc_score(y == labels[1], proba[:, 1])
    return scores


def versions(directory: Path) -> list[Path]:
    """The versions in a directory, 0001, 0002, ..., oldest first."""
    found = [path for path in directory.iterdir() if path.name.isdecimal()] if directory.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))


def next_version(directory: Path) -> Path:
    """Where the next version goes."""
    found = versions(directory)
    return directory / f"{int(found[-1].name) + 1 if found else 1:04d}"


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal that work goes on; call what it yields with (steps done, steps in all)."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as display:
        task = display.add_task(what, total=None)
        yield lambda done, total: display.update(task, completed=done, total=total)
