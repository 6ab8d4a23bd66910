"""What the images install exists as wheels, under the digests of the lock, for the machines that people build on.

Nothing is downloaded but the index's own lists. What a lock holds at all is in test_bake.py; that an image can be built
from it on this machine, in test_image.py.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from facts import FRAMEWORKS, QUESTIONS, SDKS, VARIANTS

pytestmark = pytest.mark.slow

PYTHONS: list[str] = SDKS["kserve"]["pythons"]
#: What `make image-platforms` builds for ARM.
ON_ARM = [framework for framework in FRAMEWORKS if QUESTIONS["_frameworks"][framework]["arm64"]]
TARGETS = [("x86_64", PYTHONS[-1], framework) for framework in FRAMEWORKS]
TARGETS += [("aarch64", PYTHONS[0], framework) for framework in ON_ARM]


@pytest.mark.parametrize(("machine", "python", "framework"), TARGETS)
def test_the_image_finds_its_wheels(machine: str, python: str, framework: str, tmp_path: Path) -> None:
    """On the newest Python, and on ARM, as in the containers of a Mac."""
    lock = VARIANTS / "locks" / f"{framework}-kserve.lock"
    command = ["uv", "pip", "install", "--dry-run", "--require-hashes", "--only-binary=:all:", "--no-deps"]
    command += [f"--python-version={python}", f"--python-platform={machine}-manylinux_2_28", f"--target={tmp_path}"]
    run = subprocess.run([*command, f"--requirement={lock}"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "Would install" in run.stderr
