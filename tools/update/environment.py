"""An environment with cookiecutter alone, for the demo and the updater: how it is made, and how cookiecutter is called.

Standard library of Python 3.7 and newer: it runs before there is an environment. Not here: who runs the commands.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parents[2]

#: The oldest Python that the template's tools run on.
OLDEST = (3, 11)


class NoPython(Exception):
    """There is no Python to make the environment of; the message says what to do."""


def pins() -> list[str]:
    """What the template's tools need, as pyproject.toml pins it; there is no tomllib before Python 3.11."""
    text = (TEMPLATE / "pyproject.toml").read_text(encoding="utf-8")
    (line,) = re.findall(r"^dependencies = \[(.*)\]$", text, re.MULTILINE)
    return re.findall('"([^"]+)"', line)


def options(folder: Path) -> list[str | Path]:
    """What cookiecutter is told, so that it asks nothing, and neither reads nor writes anything in the home folder."""
    config = folder / "cookiecutter.json"  # JSON is YAML
    config.write_text(json.dumps({"replay_dir": str(folder / "replay"), "cookiecutters_dir": str(folder)}))
    return ["--no-input", "--config-file", config]


def steps(venv: Path) -> list[tuple[str, list[str | Path]]]:
    """The commands that make the environment in a folder, each with what it does. Raises NoPython."""
    uv, python = shutil.which("uv"), venv / "bin" / "python"
    needed = ".".join(map(str, OLDEST))
    make: list[str | Path]
    if sys.version_info >= OLDEST:
        make = [sys.executable, "-m", "venv", "--clear", *(["--without-pip"] if uv else []), venv]
    elif uv:
        make = [uv, "venv", "--allow-existing", "--python", f">={needed}", venv]
    else:
        running = ".".join(map(str, sys.version_info[:2]))
        raise NoPython(
            f"This is Python {running}, and {needed} or newer is needed: name one, PYTHON=..., or install uv."
        )
    install: list[str | Path] = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    return [("Make an environment for cookiecutter", make), ("Install cookiecutter", [*install, *pins()])]
