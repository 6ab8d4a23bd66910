"""The command: `python -m <package>._engine.updating ADDRESS [OPTION ...]`, whose status is the updater's.

Not here: how a project is updated. The template that it is updated to knows that, whatever the age of the project.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

#: As cookiecutter knows them without being told.
ABBREVIATIONS = {
    "bb": "https://bitbucket.org/{}",
    "gh": "https://github.com/{}.git",
    "gl": "https://gitlab.com/{}.git",
}


def main(address: str, *options: str) -> int:
    """Update the project to the template at an address, or at the one that .cruft.json names where it is empty."""
    project = Path(__file__).resolve().parents[3]
    try:
        recorded = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        recorded = {}
    prefix, _, rest = address.partition(":")
    address = ABBREVIATIONS[prefix].format(rest) if prefix in ABBREVIATIONS else address
    checkout = "" if address else recorded.get("checkout") or ""
    address = address or recorded.get("template") or ""
    if not address:
        print(
            "No .cruft.json says which template made this project. Name it: make update TEMPLATE=...", file=sys.stderr
        )
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        template = Path(address).expanduser()
        if (template / "tools" / "update").is_dir():
            address = str(template.resolve())
        else:
            template = Path(scratch, "template")
            wrong = clone(address, checkout, template)
            if wrong:
                print(wrong, file=sys.stderr)
                return 1
        updater = [sys.executable, str(template / "tools" / "update"), str(project), "--template", address]
        return subprocess.run([*updater, *options], check=False).returncode


def clone(address: str, checkout: str, folder: Path) -> str:
    """Get the template, with its history; returns what went wrong, or ""."""
    shown = re.sub("//[^/@]*@", "//", address)
    try:
        for command in (
            ["git", "clone", "--quiet", "--", address, str(folder)],
            ["git", "-C", str(folder), "checkout", "--quiet", checkout or "HEAD", "--"],
        ):
            run = subprocess.run(command, stderr=subprocess.PIPE, check=False)
            if run.returncode:
                said = run.stderr.decode(errors="replace").replace(address, shown).strip()
                return (
                    f"{said}\nThe template cannot be fetched from {shown}. Name its folder or git address: TEMPLATE=..."
                )
    except FileNotFoundError:
        return "git is not installed, and an update needs it."
    if not (folder / "tools" / "update").is_dir():
        return f"{shown} is not this template, or is a release of it from before `make update`."
    return ""


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
