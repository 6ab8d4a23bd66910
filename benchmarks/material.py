"""Data, requests and right answers. It runs in a generated project's environment, which has what it imports.

usage: material.py csv FILE
       material.py requests PACKAGE MODEL_DIR FILE
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np  # type: ignore[import-not-found,import-untyped,unused-ignore]
from sklearn.datasets import load_breast_cancer, load_iris  # type: ignore[import-not-found,import-untyped,unused-ignore]

#: Rows of a request, by the name that loads know it by.
SIZES = {"one": 1, "bulk": 1000}


def write_csv(file: Path) -> None:
    """Write a data set of 30 columns."""
    load_breast_cancer(as_frame=True).frame.to_csv(file, index=False)


def write_requests(package: str, model_dir: Path, file: Path) -> None:
    """Write rows, and what `MyModel` answers in process: labels, and of two labels the second one's probability."""
    model = importlib.import_module(f"{package}.trainer.model").MyModel(dirpath=model_dir)
    columns = len(model.signature.columns)
    data = next(X for X in (load_iris().data, load_breast_cancer().data) if X.shape[1] == columns)
    rows = data[np.random.default_rng(0).integers(len(data), size=max(SIZES.values()))]
    requests: dict[str, Any] = {}
    for name, size in SIZES.items():
        X = rows[:size]
        proba = model.predict(X, proba=True)
        requests[name] = {
            "rows": X.tolist(),
            "labels": model.predict(X).tolist(),
            "scores": proba[:, 1].tolist() if proba.shape[1] == 2 else None,
        }
    file.write_text(json.dumps(requests))


if __name__ == "__main__":
    if sys.argv[1] == "csv":
        write_csv(Path(sys.argv[2]))
    else:
        write_requests(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
