"""What a test needs of the machine. Without it, the test is skipped; but CI has it, and must not stay green without.

Not here: a container engine, which is in container_engine.py.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest
from facts import find_python

#: Which of Debian's packages has a program, where that is none of its name.
_PACKAGES = {"javac": "default-jdk-headless", "node": "nodejs", "promtool": "prometheus"}
UNDER_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")


def without(what: str) -> NoReturn:
    """Skip a test that lacks something, and say what gets it; under CI it fails."""
    (pytest.fail if UNDER_CI else pytest.skip)(what)


def needed(*programs: str) -> str:
    """The path of the first of these programs that there is: one of them is enough."""
    first = programs[0]
    how = f"there is no {first}; Debian's package {_PACKAGES.get(first, first)} has it"
    return next(filter(None, map(shutil.which, programs)), None) or without(how)


def needed_python(version: str) -> str:
    """A Python of this version. Even CI may lack one, as a machine may not reach where old ones are kept."""
    found = find_python(version)
    if not found:
        pytest.skip(f"there is no Python {version}; `uv python install {version}` gets one")
    return found
