"""What your tests share: your newest model, and rows that it answers. Put fixtures of your own here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import pytest

from ._engine.artifact.versions import current
from ._engine.contract.errors import ModelError
from ._engine.serving.testing import open_for_tests
from .trainer.model import MyModel

PACKAGE = Path(__file__).parent


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """Your newest model; the sample before you trained one."""
    return current(PACKAGE / "trainer") or PACKAGE / "example_models" / "0001"


@pytest.fixture(scope="session")
def rows(model: MyModel, model_dir: Path) -> List[Any]:
    """Three rows as a client writes them: the model's input.json, three times."""
    return list(json.loads((model_dir / "input.json").read_bytes())["instances"]) * 3


@pytest.fixture(scope="session")
def model(model_dir: Path) -> MyModel:
    """Your newest model in this process, which every answer of the server is held against."""
    try:
        return open_for_tests(MyModel, model_dir)
    except ModelError as error:
        pytest.fail(str(error), pytrace=False)
