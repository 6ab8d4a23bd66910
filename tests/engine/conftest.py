"""The engine, tested directly: imported from where it lies in the template, without generating a project."""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path
from typing import Iterator

import pytest

SKELETON = Path(__file__).parents[2] / "{{cookiecutter.framework_nm}}"
sys.path.insert(0, str(SKELETON / "{{cookiecutter.framework_nm}}server"))
# Caches would be copied into projects.
sys.dont_write_bytecode = True
#: What checks signatures needs Python 3.10; that a server on an older one says so is in tests/test_trust.py. Payloads
#: and sdk are in KServe's part of the engine, which lies beside the common one until a project is generated.
collect_ignore = ["artifact/test_signing.py", "payloads", "sdk"] if sys.version_info < (3, 10) else []
if "payloads" not in collect_ignore:
    importlib.import_module("_engine").__path__.append(str(SKELETON / "variants" / "sdks" / "kserve" / "_engine"))


@pytest.fixture
def without_collecting() -> Iterator[None]:
    """What is gone in such a test was gone by itself, not by a collection of garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture
def sample_dir() -> Path:
    """A model directory: the sample for this Python, which no test changes."""
    sdk = "kserve" if sys.version_info >= (3, 10) else "kfserving"
    return SKELETON / "variants" / "samples" / sdk / "sklearn" / "0001"
