"""The project that is looked at: where its parts are, and what its files say. Not here: whether that is right."""

from __future__ import annotations

import re
from pathlib import Path


class Project:
    """A project's folders, its requirements, and its environment."""

    def __init__(self, root: Path, package: str, venv: str = ".venv") -> None:
        self.root = root
        self.package = root / package
        self.engine = self.package / "_engine"
        self.sample = self.package / "example_models" / "0001"
        self.venv = root / venv
        windows = self.venv / "Scripts" / "python.exe"
        self.python = windows if windows.exists() else self.venv / "bin" / "python"

    def text(self, name: str) -> str:
        """The content of a file of the project; "" where there is none."""
        path = self.root / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def pythons(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The first Python that the project runs on, and the first that it does not."""
        found = re.search(r'python_requires=">=([\d.]+),<([\d.]+)"', self.text("setup.py"))
        if not found:
            return (3,), (4,)
        first, end = (tuple(map(int, version.split("."))) for version in found.groups())
        return first, end

    def pins(self) -> dict[str, str]:
        """What requirements.txt asks for, by name: the version of `name==version`, "" where it names no one version."""
        found = {}
        for line in self.text("requirements.txt").splitlines():
            requirement = re.match(r"([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?\s*(?:==\s*([^\s;#]+))?", line)
            if requirement:
                found[normal(requirement[1])] = requirement[2] or ""
        return found

    def locked(self) -> dict[str, set[str]]:
        """The versions in requirements.lock, by name."""
        found: dict[str, set[str]] = {}
        for name, version in re.findall(
            r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", self.text("requirements.lock"), re.MULTILINE
        ):
            found.setdefault(normal(name), set()).add(version)
        return found

    def unlocked(self) -> set[str]:
        """What `make lock` leaves out, because it comes in a build per device."""
        return {normal(name) for name in re.findall(r"--no-emit-package (\S+)", self.text("Makefile"))}


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
