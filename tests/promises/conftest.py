"""What the tests of both sides share: a small table with every kind of column, and a model trained on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ..trainer.model import MyModel


def make_table() -> tuple[pd.DataFrame, pd.Series]:
    """120 rows of numbers, truth values and text, with missing values, and a text to predict."""
    random = np.random.default_rng(0)
    age = random.integers(18, 80, 120).astype(float)
    X = pd.DataFrame(
        {
            "age": age,
            "monthly spend": random.gamma(2, 30, 120).round(2),
            "active": random.random(120) < 0.7,
            "plan": random.choice(["basic", "pro", "team"], 120),
        }
    )
    y = pd.Series(np.where(age > 45, "stays", "leaves"), name="outcome")
    X.loc[::10, "age"] = np.nan
    X.loc[::15, "plan"] = None
    return X, y


@pytest.fixture(scope="session")
def table() -> tuple[pd.DataFrame, pd.Series]:
    return make_table()


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory, table: tuple[pd.DataFrame, pd.Series]) -> Path:
    """A model directory, trained on the table; every way in answers by its threshold."""
    model = MyModel()
    model.train(*table)
    model.set_threshold(0.7)
    model.evaluate(*table)
    directory = tmp_path_factory.mktemp("models") / "0001"
    model.save(directory, extras_seconds=300)  # a busy machine takes its time
    return directory


@pytest.fixture(scope="session")
def model(model_dir: Path) -> MyModel:
    """The same model, in process: what the answer over every protocol is held against."""
    return MyModel(dirpath=model_dir, runtime="auto")


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """The sample model that comes with the package: numbers only."""
    return Path(__file__).parents[1] / "example_models" / "0001"
