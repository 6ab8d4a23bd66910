"""The benchmark of training: install, bake, train on each table, write docs/training.md. `--help` has its options."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from typing import Any

from ..environments import TOOLS, Environment, Tools, run
from ..paths import CACHE, HERE, TEMPLATE, make_cache
from ..projects import Project
from .page import PAGE, write
from .tables import PACKAGES

FRAMEWORKS = ("sklearn", "xgboost", "lightgbm", "catboost")


def main() -> None:
    """Measure the frameworks one after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--frameworks", nargs="+", choices=FRAMEWORKS, default=FRAMEWORKS)
    parser.add_argument("--splits", type=int, default=5, help="how many times each table is parted and trained on")
    arguments = parser.parse_args()
    make_cache()
    Tools().install(TOOLS)
    tables, shipped = CACHE / "tables", Environment("tables")
    shipped.install(PACKAGES)
    shutil.rmtree(tables, ignore_errors=True)
    tables.mkdir()
    run([shipped.python, HERE / "training" / "tables.py", tables])
    found: dict[str, list[dict[str, Any]]] = {}
    for framework in arguments.frameworks:
        project = Project(framework)
        project.bake()
        project.install()
        print(f"training {framework}", flush=True)
        command = ["-m", "benchmarks.training.measuring", framework, tables, str(arguments.splits)]
        lines = run([project.environment.python, *command], PYTHONPATH=str(TEMPLATE))
        found[framework] = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
        write(found, arguments.splits, time.strftime("%Y-%m-%d"), len(os.sched_getaffinity(0)), os.getloadavg()[2])
        print(f"written: {PAGE}", flush=True)


if __name__ == "__main__":
    main()
