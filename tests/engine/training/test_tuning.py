"""Searching hyperparameters by optuna: what is found, what is said of it, and when it ends."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pandas as pd
import pytest
from _engine.contract.errors import ModelError
from _engine.training.preparing import prepare
from _engine.training.settings import TrainingSettings
from _engine.training.tuning import check, tune
from pickled import Pickled

ROWS = 80


class Power(Pickled):
    """Predicts x to the power of a hyperparameter; the data's is the third."""

    SEARCH = {"power": (1, 4), "scale": (0.5, 2.0, "log"), "sign": [-1, 1]}
    built: List[Dict[str, Any]] = []

    def build(self, **params: Any) -> None:
        self.built.append(params)

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.model = self.built[-1]
        for done in range(3):
            self.report(done, 3)

    def infer(self, X: np.ndarray, proba: bool) -> np.ndarray:
        return self.model["sign"] * self.model["scale"] * X[:, 0] ** self.model["power"]


class Settings(TrainingSettings):
    """Those of Power."""

    power: int = 1
    scale: float = 1.0
    sign: int = 1


def search(folder: Path, **options: Any) -> Dict[str, Any]:
    x = np.linspace(-2, 2, ROWS)
    pd.DataFrame({"x": x, "y": x**3}).to_csv(folder / "data.csv", index=False)
    settings = Settings(data=folder / "data.csv", target="y", task="regression", **options)
    table = prepare(settings)
    Power.built.clear()
    return tune(table, np.arange(ROWS), settings, partial(Power, **settings.hyperparameters()))


def test_better_hyperparameters_are_found_and_the_gain_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first training has the settings' own."""
    found = search(tmp_path, tune=25)
    assert Power.built[0] == {"power": 1, "scale": 1.0, "sign": 1}
    assert (found["power"], found["sign"]) == (3, 1)
    assert 0.5 <= found["scale"] <= 2
    told = re.search(
        r"^Tuning by 25 trainings: rmse was (\S+) at first, and is (\S+) with power 3, scale \S+, sign 1$",
        capsys.readouterr().out,
        re.MULTILINE,
    )
    assert told
    assert float(told[2]) < float(told[1])


def test_what_is_best_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert search(tmp_path, tune=3, power=3) == {"power": 3, "scale": 1.0, "sign": 1}
    line = "Tuning by 3 trainings: rmse did not improve, and stays as it was with power 3, scale 1, sign 1\n"
    assert capsys.readouterr().out.endswith(line)


def test_the_first_training_ends_whatever_the_time_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert search(tmp_path, tune=10_000, time_limit=1e-6) == {"power": 1, "scale": 1.0, "sign": 1}
    told = "Tuning by 1 of 10000 trainings, as many as --time_limit 1e-06 allowed: rmse did not improve, and stays as"
    assert told in capsys.readouterr().out


def test_a_framework_without_a_search_is_refused() -> None:
    with pytest.raises(ModelError, match="hyperparameters of test are not searched"):
        check(Pickled)
