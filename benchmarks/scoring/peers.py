"""What scoring is measured beside. It runs in environments that have what it imports.

usage: peers.py table FILE ROWS                      write a table
       peers.py frame PACKAGE MODEL_DIR FILE OUT     score it with `MyModel.predict`, as a frame
       peers.py save WEIGHTS FOLDER                  save an estimator as MLflow's model
"""

from __future__ import annotations

import importlib
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd


def write_table(file: Path, rows: int) -> None:
    """Write rows of the data that the models learnt from, each number a little off."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True).data
    random = np.random.default_rng(0)
    sample = data.iloc[random.integers(len(data), size=rows)]
    (sample * random.normal(1, 0.05, sample.shape)).round(6).to_csv(file, index=False)


def score_frame(package: str, model_dir: Path, file: Path, out: Path) -> None:
    """Score a whole table at once, and print the seconds of that."""
    model = importlib.import_module(f"{package}.trainer.model").MyModel(dirpath=model_dir, runtime="auto")
    table = pd.read_csv(file)
    began = time.monotonic()
    answers = model.predict(table)
    print(time.monotonic() - began)
    pd.DataFrame({"predict": answers}).to_csv(out, index=False)


def save(weights: Path, folder: Path) -> None:
    """Save what MLflow serves."""
    shutil.rmtree(folder, ignore_errors=True)
    if weights.suffix == ".ubj":
        model = importlib.import_module("xgboost").XGBClassifier()
        model.load_model(weights)
        importlib.import_module("mlflow.xgboost").save_model(model, folder)
    else:
        model = importlib.import_module("joblib").load(weights)
        importlib.import_module("mlflow.sklearn").save_model(model, folder, serialization_format="cloudpickle")


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "table":
        write_table(Path(arguments[0]), int(arguments[1]))
    elif what == "frame":
        score_frame(arguments[0], *map(Path, arguments[1:]))
    else:
        save(*map(Path, arguments))
