"""The project that is updated: what its files say of where it comes from, and whether git could take an update back.

Not here: what an update changes (merging.py), and what templates make (bakes.py).
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakes import ORIGIN, Refused, read_digests

#: Where a project without .cruft.json shows what was answered: file, and text around the answer.
TRACES = {
    "model_name": ("Makefile", r"^MODEL_NAME\s*\??=\s*(\S+)$"),
    "namespace": ("Makefile", r"^NAMESPACE\s*\??=\s*(\S+)$"),
    "image_registry": ("Makefile", r"^IMAGE\s*\??=\s*(\S+)/{package}:\S+$"),
    "image_tag": ("Makefile", r"^IMAGE\s*\??=\s*\S+/{package}:(\S+)$"),
    "storage_uri": ("{package}.yaml", r'STORAGE_URI"?,?\s*"?value: "([^"]+)"'),
    "python_version": ("{framework}.Dockerfile", r"^ARG BASE_IMAGE=python:(3\.\d+)-slim"),
    "serving_sdk": ("requirements.lock", r"^(kserve|kfserving)=="),
}


@dataclass(frozen=True)
class Project:
    """A project: its folder, its package's name, and the SHA-256 of what the template wrote, by name."""

    folder: Path
    package: str
    recorded: dict[str, str]

    @property
    def engine(self) -> str:
        """What the names of the engine's files start with."""
        return f"{self.package}/_engine/"

    def state(self) -> dict[str, Any]:
        """What .cruft.json says; nothing where there is none. Raises Refused where it cannot be read."""
        file = self.folder / ORIGIN
        if not file.is_file():
            return {}
        try:
            state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            state["context"]["cookiecutter"]["framework_nm"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"{file} is not as a bake or cruft writes it ({error!r}). Take it from git again.") from error
        return state

    def answers(self) -> dict[str, str]:
        """What the questions were answered with: as it is written down, or as the project's files show it."""
        written = self.state()
        if written:
            context = written["context"]["cookiecutter"]
            return {question: answer for question, answer in context.items() if not question.startswith("_")}
        framework = self.package[: -len("server")]
        found = {"framework_nm": framework}
        for question, (name, trace) in TRACES.items():
            file = self.folder / name.format(package=self.package, framework=framework)
            text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
            match = re.search(trace.replace("{package}", self.package), text, re.MULTILINE)
            if match:
                found[question] = match[1]
        return found

    def check_git(self) -> None:
        """Raises Refused where git could not show an update, or take it back."""
        if self._git("ls-files", "--error-unmatch", "--", f"{self.engine}DIGESTS") is None:
            raise Refused(
                f"{self.folder} is not under git, which an update needs: git shows what it changed, and takes it back. "
                "Type first:\n\n    git init\n    git add --all\n    git commit --message 'Before the update'"
            )
        changed = self._git("status", "--porcelain", "--", ".")
        if changed:
            raise Refused(
                "Some files are not committed, so git could not take the update back. Commit or stash them first:\n\n"
                + changed.rstrip()
            )

    def _git(self, *arguments: str) -> str | None:
        """What git prints; None where it fails."""
        command = ["git", "-C", str(self.folder), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        return run.stdout if run.returncode == 0 else None


def find(folder: Path) -> Project:
    """Look at a folder. Raises Refused if this template made no project there, or only its first version did."""
    packages = sorted(path.parent.name for path in folder.glob("*server/_engine"))
    if len(packages) != 1:
        raise Refused(
            f"{folder} is no project of this template: it has no <framework>server/_engine. Name the project's folder. "
            "docs/migrating-to-2.md is for projects that the template's first version made."
        )
    (package,) = packages
    return Project(folder, package, read_digests(folder / package / "_engine" / "DIGESTS"))
