"""Data, requests and right answers. It runs in a generated project's environment, which has what it imports.

usage: material.py csv COLUMNS FILE
       material.py requests PACKAGE MODEL_DIR FILE ROWS...
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np  # type: ignore[import-not-found,import-untyped,unused-ignore]
from sklearn.datasets import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    load_breast_cancer,
    load_iris,
    make_classification,
)


def data_of(columns: int) -> tuple[Any, Any]:
    """Real data of 4 or 30 columns, else made: [rows, columns], and labels."""
    for load in (load_iris, load_breast_cancer):
        X, y = load(return_X_y=True)
        if X.shape[1] == columns:
            return X, y
    X, y = make_classification(500, columns, n_informative=10, random_state=0)
    return X.round(4), y


def write_csv(columns: int, file: Path) -> None:
    """Write a data set of so many columns."""
    X, y = data_of(columns)
    names = ",".join([*(f"c{i}" for i in range(columns)), "target"])
    np.savetxt(file, np.column_stack([X, y]), "%.6g", ",", header=names, comments="")


def write_requests(package: str, model_dir: Path, file: Path, sizes: list[int]) -> None:
    """Write rows, and what `MyModel` answers in process: labels, and of two labels the second one's probability."""
    model = importlib.import_module(f"{package}.trainer.model").MyModel(dirpath=model_dir)
    columns = model.signature.names
    data, _ = data_of(len(columns))
    rows = data[np.random.default_rng(0).integers(len(data), size=max(sizes))]
    requests: dict[str, Any] = {}
    for size in sizes:
        X = rows[:size]
        proba = model.predict(X, proba=True)
        requests[str(size)] = {
            "rows": X.tolist(),
            "columns": columns,
            "labels": model.predict(X).tolist(),
            "scores": proba[:, 1].tolist() if proba.shape[1] == 2 else None,
            "grpc": _grpc(X) if size == 1 else "",
        }
    file.write_text(json.dumps(requests))


def _grpc(X: np.ndarray) -> str:
    """The rows as a message of gRPC's, with what stands before it on the wire, in hex."""
    from kserve import InferInput, InferRequest  # type: ignore[import-not-found,import-untyped,unused-ignore]

    tensor = InferInput("input-0", list(X.shape), "FP64", X.ravel().tolist())
    message = InferRequest("model", [tensor]).to_grpc().SerializeToString()
    framed: bytes = b"\0" + len(message).to_bytes(4, "big") + message
    return framed.hex()


if __name__ == "__main__":
    if sys.argv[1] == "csv":
        write_csv(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        write_requests(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), [int(size) for size in sys.argv[5:]])
