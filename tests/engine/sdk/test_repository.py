"""Promises of KServe's repository of models that need no server."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from _engine.contract.errors import ModelError

repository = importlib.import_module("_engine.sdk.repository")  # which mypy cannot find: see conftest.py


@pytest.mark.parametrize("name", ["a/b", "/", ".", "..", " a", "a\n", "a\x00b"])
def test_a_model_that_no_url_can_name_is_not_served(name: str, tmp_path: Path) -> None:
    """Its server would start, and answer nobody over REST."""
    (tmp_path / "metadata.json").touch()
    models = repository.ServingModelRepository(tmp_path, name, lambda name, path: pytest.fail("loaded"))
    with pytest.raises(ModelError, match="cannot be requested: a name is one part of a URL's path, without slashes"):
        models.load_models()
