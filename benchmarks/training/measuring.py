"""Trains a project's model on each table, and histogram gradient boosting beside it, on the same rows.

Runs in the project's environment: `python -m benchmarks.training.measuring FRAMEWORK TABLES SPLITS`.
It prints a line of JSON per table.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from .asking import SAVED, ask

#: Rows that the server is asked for, those with missing values first.
ASKED = 50


def main() -> None:
    package, tables, splits = f"{sys.argv[1]}server", Path(sys.argv[2]), int(sys.argv[3])
    found: dict[str, dict[str, Any]] = {}
    asked: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, target in json.loads((tables / "index.json").read_text()).items():
            try:
                found[name], asked[name] = measure(package, tables / f"{name}.csv", target, splits, Path(folder) / name)
            except Exception as error:
                found[name] = {"error": f"{type(error).__name__}: {error}"}
        for name, differs in ask(package, Path(folder), asked).items():
            found[name]["differs"] = differs
    for name, line in found.items():
        print(json.dumps({"table": name, **line}))


def measure(package: str, data: Path, target: str, splits: int, saved: Path) -> tuple[dict[str, Any], Any]:
    """The means of both scores over the splits, the seconds of the first training, and what came of compiling; and rows
    to ask the first model for, which is saved."""
    engine = f"{package}._engine.training"
    command, preparing = (importlib.import_module(f"{engine}.{name}") for name in ("command", "preparing"))
    settings_class = importlib.import_module(f"{package}.trainer.config").Settings
    model_class = importlib.import_module(f"{package}.trainer.model").MyModel
    ours, theirs, found, asked = [], [], {}, None
    for seed in range(splits):
        began = time.monotonic()
        settings = settings_class(data=data, target=target, eval_share=0.25, split_seed=seed)
        with contextlib.redirect_stdout(io.StringIO()):
            table = preparing.prepare(settings)
            rows = table.split.once(settings.eval_share, seed)
            make = partial(model_class, **settings.hyperparameters())
            model = command.fit(table, rows.training, table.signature(rows.training), make, "")
            others = command.answerable(table, rows.evaluation, model)
        X, y = table.X.iloc[others], table.y.iloc[others].to_numpy()
        model.evaluate(X, y)
        if not seed:
            model.save(saved / SAVED)
            asked = X.loc[X.isna().sum(axis=1).sort_values(ascending=False, kind="stable").index[:ASKED]]
            found = {
                "task": model.task,
                "rows": len(table.X),
                "seconds": time.monotonic() - began,
                "note": model.compiled_note,
            }
        ours.append(score(y, model.in_data_terms(model.signature.conform(X)), model.labels))
        # Every framework is compared with the same.
        remembered = data.with_suffix(f".{seed}")
        if not remembered.exists():
            remembered.write_text(repr(score(y, beside(model, table, rows.training, X), model.labels)))
        theirs.append(float(remembered.read_text()))
    return {**found, "ours": float(np.mean(ours)), "theirs": float(np.mean(theirs))}, asked


def beside(model: Any, table: Any, training: np.ndarray, X: Any) -> np.ndarray:
    """What histogram gradient boosting with ordinal encoding answers for X."""
    parts = [model.derive(model.signature.conform(part)) for part in (table.X.iloc[training], X)]
    if not isinstance(parts[0], np.ndarray):
        text = list(parts[0].select_dtypes(exclude="number"))
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
        ).fit(parts[0][text])
        parts = [part.assign(**dict(zip(text, encoder.transform(part[text]).T))).to_numpy(float) for part in parts]
    kind = HistGradientBoostingRegressor if model.labels is None else HistGradientBoostingClassifier
    with threadpool_limits(model.threads):
        answer: np.ndarray = kind(random_state=0).fit(parts[0], table.y.iloc[training]).predict(parts[1])
    return answer


def score(y: np.ndarray, y_hat: np.ndarray, labels: np.ndarray | None) -> float:
    """Accuracy, or R2 where numbers are predicted, which is 0 at worst."""
    if labels is not None:
        return float(np.mean(y == y_hat))
    return max(0.0, 1 - float(((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()))


if __name__ == "__main__":
    main()
