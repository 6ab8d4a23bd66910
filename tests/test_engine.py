"""The engine's tests on the oldest Python that it runs on; on today's, pytest finds them in tests/engine by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from facts import SDKS, TEMPLATE
from needed import needed_python

pytestmark = pytest.mark.slow

#: What the engine's common part imports, and what its tests do.
NEEDED = (
    *("msgspec", "numpy", "onnxruntime", "orjson", "pandas", "pyarrow", "pydantic", "pydantic-settings"),
    *("pytest", "pyzstd", "rich", "scikit-learn"),
)
#: And what its tests alone do, in the last version for that Python.
TESTS = ("jsonschema==4.23.0", "optuna==4.5.0")


def test_the_engine_keeps_its_promises_on_kfservings_python(tmp_path: Path) -> None:
    """With the libraries that KFServing's projects pin."""
    sdk = SDKS["kfserving"]
    python = needed_python(sdk["pythons"][0])
    pins = [pin for pin in [*sdk["serve"], *sdk["train"], *sdk["dev"]] if pin.split("==")[0] in NEEDED]
    assert len(pins) == len(NEEDED)
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", python, tmp_path / "venv"], check=True)
    subprocess.run([*uv, "pip", "install", "--python", tmp_path / "venv", *pins, *TESTS], check=True)
    pytest_there: list[str | Path] = [
        tmp_path / "venv/bin/python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
    ]
    run = subprocess.run(
        [*pytest_there, "--confcutdir=tests/engine", "--rootdir=tests/engine", "tests/engine"],
        cwd=TEMPLATE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
