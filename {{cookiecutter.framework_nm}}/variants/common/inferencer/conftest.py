"""A real server for your tests: it serves your newest model, and is asked through its ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .._engine.serving.testing import Server
from ..trainer.model import MyModel


@pytest.fixture(scope="session")
def server(model: MyModel, model_dir: Path) -> Iterator[Server]:
    """Serves your newest model under the name "m"."""
    with Server(model_dir) as server:
        yield server
