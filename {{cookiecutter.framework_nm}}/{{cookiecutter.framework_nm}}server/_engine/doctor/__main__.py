"""The command: `python -m <package>._engine.doctor`, whose status is 1 if something is wrong.

Not here: what is looked at.
"""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

from .machine import check_memory, check_ports, check_python
from .parts import check_engine, check_lock, check_model, check_sample
from .project import Project

CHECKS = {
    "Python": check_python,
    "ports": check_ports,
    "memory": check_memory,
    "engine": check_engine,
    "lock": check_lock,
    "model": check_model,
    "sample": check_sample,
}


def main(*names: str) -> int:
    """Print a line for each check that is fine, and one for each problem; of checks that are named, problems alone."""
    package = Path(__file__).resolve().parents[2]
    project = Project(package.parent, package.name, os.environ.get("VENV") or ".venv")
    problems = 0
    for name in names or CHECKS:
        finding = CHECKS[name](project)
        problems += len(finding.problems)
        for text in finding.problems or (() if names else (finding.found,)):
            start = f"{'WRONG' if finding.problems else 'ok':6}{name:8}"
            print(textwrap.fill(text, 118, initial_indent=start, subsequent_indent=" " * len(start)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
