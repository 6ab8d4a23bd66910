"""The updater: brings a project that this template made, of whatever release, to this template.

usage: python tools/update PROJECT [QUESTION=ANSWER ...] [--check] [--force-engine] [--no-tests]

A project's `make update` runs the updater of the template that it updates to. The Python may be any from 3.8: where it
has no cookiecutter, an environment that has one is made, and removed afterwards. Not here: the update (updating.py).
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # caches do not belong into the template's folder

import environment  # noqa: E402


def in_an_environment_of_its_own(arguments: list[str]) -> int:
    """Run the updater where cookiecutter is; returns its status."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder, "venv")
        for what, command in environment.steps(venv):
            run = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
            if run.returncode:
                print(f"{run.stdout}{run.stderr}\n{what}: failed. The project is as it was.", file=sys.stderr)
                return 1
        return subprocess.run([str(venv / "bin" / "python"), str(Path(__file__).parent), *arguments]).returncode


def main() -> int:
    """Run the updater; returns its status."""
    try:
        if sys.version_info < environment.OLDEST or not importlib.util.find_spec("cookiecutter"):
            return in_an_environment_of_its_own(sys.argv[1:])
    except environment.NoPython as reason:
        print(reason, file=sys.stderr)
        return 1

    import updating

    return updating.main(sys.argv[1:])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
