"""The commands `make report`, `make models` and `make compare`: `python -m <package>._engine.reporting --help`.

Not here: making a report, which training does.
"""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from pathlib import Path
from typing import List, Optional

from rich.console import Console

from ..artifact.reports import PAGE
from ..artifact.versions import versions
from ..contract.errors import ModelError
from .history import comparison, find, overview

#: Characters in a line, where the output is no terminal.
WIDTH = 160


def main(arguments: Optional[List[str]] = None) -> None:
    """Run a command; exit with a sentence where it cannot be done."""
    parser = argparse.ArgumentParser(prog="reporting", description="Look at the versions that training made.")
    parser.add_argument(
        "--dir", type=Path, help="folder of the versions; the trainer's, unless TRAIN_OUTPUT_DIR is set"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="print where a report is, and open it where there is a display")
    report.add_argument("version", nargs="?", help="0002; the newest that has a report, if none is given")
    commands.add_parser("models", help="list all versions: data, options and metrics")
    compare = commands.add_parser("compare", help="show what differs between two versions")
    compare.add_argument("versions", nargs=2, metavar="VERSION")
    chosen = parser.parse_args(arguments)
    folder = chosen.dir or Path(os.environ.get("TRAIN_OUTPUT_DIR") or Path(__file__).resolve().parents[2] / "trainer")
    try:
        if chosen.command == "report":
            _open(_report(folder, chosen.version))
        elif chosen.command == "models":
            _print_overview(folder)
        else:
            _print_comparison(*(find(folder, name) for name in chosen.versions))
    except ModelError as error:
        sys.exit(str(error))


def _report(folder: Path, version: Optional[str]) -> Path:
    """Where a version's report is, or the newest one's that has one."""
    candidates = [find(folder, version)] if version else list(reversed(versions(folder)))
    for path in candidates:
        if (path / PAGE).is_file():
            return path / PAGE
    which = f"version {candidates[0].name}" if version else folder
    raise ModelError(f"there is no {PAGE} in {which}: make train writes one, unless --extras_seconds is 0")


def _open(page: Path) -> None:
    print(page)
    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page.resolve().as_uri())


def _print_overview(folder: Path) -> None:
    if not versions(folder):
        raise ModelError(f"there are no versions in {folder} yet: make train")
    _console().print(overview(folder))


def _print_comparison(first: Path, second: Path) -> None:
    table = comparison(first, second)
    if table.row_count:
        _console().print(table)
    else:
        print(f"{first.name} and {second.name} do not differ in data, settings or metrics.")


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


if __name__ == "__main__":
    main()
