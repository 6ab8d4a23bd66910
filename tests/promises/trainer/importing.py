"""Importing a model by the training command, as tests of each framework do it with files that its library wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...trainer.model import MyModel
from .trained import train

#: Rows of numbers and text, a label for each of two and of three kinds, and a number.
RANDOM = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"age": RANDOM.normal(40, 10, 200), "score": RANDOM.normal(size=200)})
MIXED = NUMBERS.assign(plan=RANDOM.choice(["basic", "pro", "team"], 200))
TWO = np.where((NUMBERS["age"] > 40) & (MIXED["plan"] != "pro"), "yes", "no")
THREE = np.digitize(NUMBERS["score"], [-0.5, 0.5])
NUMBER = NUMBERS["age"] * 2 + NUMBERS["score"]


class Harm:
    """An object whose pickle makes a file when it is opened."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return exec, (f"open({str(self.file)!r}, 'w').close()",)


def imported(folder: Path, *arguments: object) -> MyModel:
    """What the command makes of `--model` and these arguments, loaded again from where it was saved."""
    run = train("--model", *arguments, "--output_dir", folder / "runs")
    assert run.returncode == 0, run.stderr
    *_, newest = sorted((folder / "runs").iterdir())
    return MyModel(dirpath=newest)


def with_missing(X: pd.DataFrame) -> pd.DataFrame:
    """The rows, some of whose values are missing, in every column and in different rows."""
    return X.mask(np.arange(X.size).reshape(X.shape) % 7 == 0)
