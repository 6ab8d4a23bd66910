"""Environments: one for the benchmark's tools, one for each peer, each made once and kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from .paths import CACHE

TOOLS = ("uv==0.13.9", "cookiecutter==2.7.1", "matplotlib==3.11.2")
#: Where uv looks: as pip does, in every index that is configured.
_UV = {"UV_NO_PROGRESS": "1", "UV_LINK_MODE": "hardlink"}


class Failed(Exception):
    """A peer that cannot take part. The message says why, in one line."""


def clean_environ(**more: str) -> dict[str, str]:
    """The environment for what is started: bytecode is cached, as it is in any installation, and nothing is set."""
    settings = ("PYTHON", "MODEL_", "HTTP_PORT", "GRPC_PORT", "TRAIN_", "RUNTIME", "MAX_", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(settings)} | more


def run(command: list[str | Path], **more: str) -> str:
    """Run a command and return what it prints. Raises Failed with the end of its errors."""
    done = subprocess.run(command, env=clean_environ(**more), capture_output=True, text=True)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise Failed(f"{Path(command[0]).name}: {' '.join(lines[-4:])[:400] or done.returncode}")
    return done.stdout


class Environment:
    """A virtual environment in the cache, with what is asked for in it."""

    def __init__(self, name: str) -> None:
        self.folder = CACHE / "environments" / name
        self.python = self.folder / "bin" / "python"

    def bin(self, name: str) -> Path:
        return self.folder / "bin" / name

    def install(self, arguments: tuple[str, ...], fingerprint: str = "") -> None:
        """Make it hold `arguments`, which are pip's, unless it does. Raises Failed.

        `fingerprint` is what else decides whether it does.
        """
        wanted = hashlib.sha256(repr((sys.version, arguments, fingerprint)).encode()).hexdigest()
        stamp = self.folder / ".installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print(f"installing {self.folder.name}", flush=True)
        stamp.unlink(missing_ok=True)
        self._make()
        self._install(arguments)
        stamp.write_text(wanted)

    def _make(self) -> None:
        tools = Environment("tools")
        run([tools.bin("uv"), "venv", "--clear", "--python", sys.executable, self.folder], **_UV)

    def _install(self, arguments: tuple[str, ...]) -> None:
        uv = Environment("tools").bin("uv")
        # Compiled now, because the first start would pay for it otherwise, and a second one would not.
        run([uv, "pip", "install", "--compile-bytecode", "--python", self.python, *arguments], **_UV)

    def versions(self, names: tuple[str, ...]) -> dict[str, str]:
        """The installed versions of those packages that are there."""
        listing = run([Environment("tools").bin("uv"), "pip", "freeze", "--python", self.python], **_UV)
        found = dict(line.split("==", 1) for line in listing.splitlines() if "==" in line)
        return {name: found[name] for name in names if name in found}


class Tools(Environment):
    """The one environment that pip makes, because uv comes with it."""

    def __init__(self) -> None:
        super().__init__("tools")

    def _make(self) -> None:
        run([sys.executable, "-m", "venv", "--clear", self.folder])

    def _install(self, arguments: tuple[str, ...]) -> None:
        run([self.python, "-m", "pip", "install", *arguments])
