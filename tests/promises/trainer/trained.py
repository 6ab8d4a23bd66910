"""What promises of the training side share: the command, a table of numbers, and what a framework can do."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest

from ...trainer.__main__ import main
from ...trainer._core import Model
from ...trainer.model import MyModel

#: The package that trains.
TRAINER = MyModel.__module__.rpartition(".")[0]
Table = Tuple[pd.DataFrame, pd.Series]
#: The files beside the weights in every model directory.
DESCRIBED = {"metadata.json", "metadata.sha256", "input.json", "drift.json"}
REPORT = {"report.html", "report.json", "MODEL_CARD.md"}


def train(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the training command in this process, which has imported the framework already, without compiling."""
    command = [TRAINER, "--extras_seconds", "0", *map(str, arguments)]
    stdout, stderr, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr(sys, "argv", command)
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
            if status != end.code:
                print(end.code, file=stderr)
    return subprocess.CompletedProcess(command, status, stdout.getvalue(), stderr.getvalue())


def train_as_typed(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the training command in a process of its own."""
    command = [sys.executable, "-m", TRAINER, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def files_of(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def numbers(task: str = "classification") -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 4))
    return X, X[:, 0] * 3 + X[:, 1] if task == "regression" else np.where(X[:, 0] > 0, "up", "down")


def compiles() -> bool:
    return MyModel.to_onnx is not Model.to_onnx


def explains() -> bool:
    return MyModel.contributions is not Model.contributions
