"""Trains a project's model on each table, and histogram gradient boosting beside it, on the same rows.

Runs in the project's environment: `python -m benchmarks.training.measuring FRAMEWORK TABLES SPLITS`.
It prints a line of JSON per table.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from .asking import SAVED, ask

#: Rows that the server is asked for, those with missing values first.
ASKED = 50


class Task(NamedTuple):
    """What is learnt from which of a framework's tables."""

    package: str
    data: Path
    target: str


class Trained(NamedTuple):
    """A model, the numbers of the rows that it learnt from in its table, and those that it is scored on."""

    model: Any
    table: Any
    learnt: np.ndarray
    others: np.ndarray


def main() -> None:
    package, tables, splits = f"{sys.argv[1]}server", Path(sys.argv[2]), int(sys.argv[3])
    targets = json.loads((tables / "index.json").read_text())
    tasks = {name: Task(package, tables / f"{name}.csv", target) for name, target in targets.items()}
    found: dict[str, dict[str, Any]] = {}
    asked: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, task in tasks.items():
            try:
                found[name], asked[name] = measure(task, Path(folder) / name)
            except Exception as error:
                found[name] = {"error": f"{type(error).__name__}: {error}"}
        for name, differs in ask(package, Path(folder), asked).items():
            found[name]["differs"] = differs
    scores = score_others({name: tasks[name] for name in asked}, range(1, splits))
    for name, line in found.items():
        print(json.dumps({"table": name, **with_others(line, scores.get(name, []))}))


def measure(task: Task, saved: Path) -> tuple[dict[str, Any], Any]:
    """Train on the first split and save the model: both scores, the seconds that it took, what came of compiling; and
    rows to ask the model for."""
    began = time.monotonic()
    trained = train(task, 0)
    model, table, _, others = trained
    X, y = table.X.iloc[others], table.y.iloc[others].to_numpy()
    model.evaluate(X, y)
    model.save(saved / SAVED)
    seconds = time.monotonic() - began
    ours, theirs = compare(task, 0, trained)
    line = {
        "task": model.task,
        "rows": len(table.X),
        "seconds": seconds,
        "note": model.compiled_note,
        "ours": [ours],
        "theirs": [theirs],
    }
    return line, X.loc[X.isna().sum(axis=1).sort_values(ascending=False, kind="stable").index[:ASKED]]


def score_others(tasks: dict[str, Task], seeds: range) -> dict[str, list[Future[tuple[float, float]]]]:
    """Both scores of each split of each table. Nothing is timed here, so that each core trains on a split of its own:
    the tables are too small for more than one thread."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), multiprocessing.get_context("spawn")) as pool:
        return {name: [pool.submit(score_one, task, seed) for seed in seeds] for name, task in tasks.items()}


def with_others(line: dict[str, Any], others: list[Future[tuple[float, float]]]) -> dict[str, Any]:
    """A table's line with the scores of its other splits, or with what one of them failed with."""
    try:
        for ours, theirs in [one.result() for one in others]:
            line["ours"].append(ours)
            line["theirs"].append(theirs)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return line


def score_one(task: Task, seed: int) -> tuple[float, float]:
    """Both scores of one split, on one thread."""
    with threadpool_limits(1):
        return compare(task, seed, train(task, seed, threads=1))


def train(task: Task, seed: int, threads: int | None = None) -> Trained:
    """Train on three quarters of the rows as the project's command does."""
    engine = f"{task.package}._engine.training"
    command, preparing = (importlib.import_module(f"{engine}.{name}") for name in ("command", "preparing"))
    settings_class = importlib.import_module(f"{task.package}.trainer.config").Settings
    model_class = importlib.import_module(f"{task.package}.trainer.model").MyModel
    settings = settings_class(data=task.data, target=task.target, eval_share=0.25, split_seed=seed)
    with contextlib.redirect_stdout(io.StringIO()):
        table = preparing.prepare(settings)
        rows = table.split.once(settings.eval_share, seed)
        make = partial(model_class, **settings.hyperparameters(), threads=threads)
        model = command.fit(table, rows.training, table.signature(rows.training), make, "")
        return Trained(model, table, rows.training, command.answerable(table, rows.evaluation, model))


def compare(task: Task, seed: int, trained: Trained) -> tuple[float, float]:
    """The scores of a model and of histogram gradient boosting, with which every framework is compared."""
    model, table, _, others = trained
    X, y = table.X.iloc[others], table.y.iloc[others].to_numpy()
    remembered = task.data.with_suffix(f".{seed}")
    if not remembered.exists():
        remembered.write_text(repr(score(y, beside(trained), model.labels)))
    return score(y, model.in_data_terms(model.signature.conform(X)), model.labels), float(remembered.read_text())


def beside(trained: Trained) -> np.ndarray:
    """What histogram gradient boosting with ordinal encoding answers."""
    model, table, learnt, others = trained
    parts = [model.derive(model.signature.conform(table.X.iloc[rows])) for rows in (learnt, others)]
    if not isinstance(parts[0], np.ndarray):
        text = list(parts[0].select_dtypes(exclude="number"))
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
        ).fit(parts[0][text])
        parts = [part.assign(**dict(zip(text, encoder.transform(part[text]).T))).to_numpy(float) for part in parts]
    kind = HistGradientBoostingRegressor if model.labels is None else HistGradientBoostingClassifier
    with threadpool_limits(model.threads):
        answer: np.ndarray = kind(random_state=0).fit(parts[0], table.y.iloc[learnt]).predict(parts[1])
    return answer


def score(y: np.ndarray, y_hat: np.ndarray, labels: np.ndarray | None) -> float:
    """Accuracy, or R2 where numbers are predicted, which is 0 at worst."""
    if labels is not None:
        return float(np.mean(y == y_hat))
    return max(0.0, 1 - float(((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()))


if __name__ == "__main__":
    main()
