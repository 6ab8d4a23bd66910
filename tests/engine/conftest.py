"""The engine, tested directly: imported from where it lies in the template, without generating a project."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SKELETON = Path(__file__).parents[2] / "{{cookiecutter.framework_nm}}"
sys.path.insert(0, str(SKELETON / "{{cookiecutter.framework_nm}}server"))
# Caches would be copied into projects.
sys.dont_write_bytecode = True


@pytest.fixture
def sample_dir() -> Path:
    """A model directory: a sample, which no test changes."""
    return SKELETON / "variants" / "samples" / "kserve" / "sklearn" / "0001"
