"""Facts about the template, read from where they stand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent.parent
SKELETON = TEMPLATE / "{{cookiecutter.framework_nm}}"
VARIANTS = SKELETON / "variants"
QUESTIONS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text())
FRAMEWORKS: list[str] = QUESTIONS["framework_nm"]
SDKS: dict[str, Any] = QUESTIONS["_sdks"]
#: Framework and SDK of each kind of project that can be generated; a row says null where an SDK has no versions for it.
FLAVOURS = [(fw, sdk) for sdk in SDKS for fw in FRAMEWORKS if QUESTIONS["_frameworks"][fw].get(sdk, True) is not None]


def pins(framework: str, sdk: str) -> dict[str, list[str]]:
    """The requirements of a framework beside an SDK, for serving and for training."""
    row = QUESTIONS["_frameworks"][framework]
    found: dict[str, list[str]] = row.get(sdk, row)
    return found


def find_python(version: str) -> str | None:
    """A Python that runs, on the PATH or of pyenv, as generated Makefiles look for it."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in [shutil.which(f"python{version}"), *map(str, pyenv)]:
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return os.path.abspath(candidate)
    return None
