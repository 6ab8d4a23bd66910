"""Facts about the template and about this machine, read from where they stand."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = Path(__file__).parent.parent
SKELETON = TEMPLATE / "{{cookiecutter.framework_nm}}"
VARIANTS = SKELETON / "variants"
#: What is the same in every project of an SDK; the SDK's own part is in its variant.
ENGINE = SKELETON / "{{cookiecutter.framework_nm}}server" / "_engine"
QUESTIONS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text())
FRAMEWORKS: list[str] = QUESTIONS["framework_nm"]
SDKS: dict[str, Any] = QUESTIONS["_sdks"]
#: Framework and SDK of each kind of project that can be generated; a row says null where an SDK has no versions for it.
FLAVOURS = [(fw, sdk) for sdk in SDKS for fw in FRAMEWORKS if QUESTIONS["_frameworks"][fw].get(sdk, True) is not None]

#: Variables that keep libraries from reporting on their use: those that projects set, and what else means the same.
QUIET = {"DISABLE_TELEMETRY", "DO_NOT_TRACK", "HF_HUB_OFFLINE"}.union(
    *(row["quiet"] for row in [*SDKS.values(), *QUESTIONS["_frameworks"].values()])
)

#: What `make test` installs, builds and runs; `make test-all` does so with every one.
RUN_ALWAYS = [("sklearn", "kserve"), ("xgboost", "kserve"), ("sklearn", "kfserving")]


def before_a_release(flavour: tuple[str, str]) -> list[pytest.MarkDecorator]:
    """The marks of a test that installs, builds or runs a flavour: most do only in `make test-all`."""
    return [] if flavour in RUN_ALWAYS else [pytest.mark.release]


def pins(framework: str, sdk: str) -> dict[str, Any]:
    """The row of a framework, with what differs beside an SDK, and the Pythons that both run on."""
    row: dict[str, Any] = QUESTIONS["_frameworks"][framework]
    return {"pythons": SDKS[sdk]["pythons"], **row, **row.get(sdk, {})}


def find_python(version: str) -> str | None:
    """A Python that runs, on the PATH or of pyenv, as generated Makefiles look for it."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in [shutil.which(f"python{version}"), *map(str, pyenv)]:
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return os.path.abspath(candidate)
    return None


@functools.cache
def find_links() -> str:
    """The folder of wheels that this machine's pip looks into besides its index; "" if there is none."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    settings = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return os.environ.get("PIP_FIND_LINKS") or "".join(re.findall(r"find-links='([^']+)'", settings)[-1:])
