"""A real server for the tests: a process of its own, asked through its port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ..conftest import free_port

PACKAGE = __package__.split(".")[0]

#: A server whose model holds rows that begin with 99 until its gate is opened, and cannot answer those that begin with
#: 98; anything else it answers as always.
HELD = f"""
import os, pathlib, time
import numpy as np
from {PACKAGE}.trainer import _core, preprocessor
gate = pathlib.Path(os.environ["GATE"])
prep_func = preprocessor.prep_func
def held(X):
    if np.asarray(X)[0, 0] == 99:
        with (gate / "reached").open("a") as file:
            file.write("once\\n")
        while not (gate / "open").exists():
            time.sleep(0.01)
    if np.asarray(X)[0, 0] == 98:
        raise _core.Unanswerable("row 0: begins with 98")
    return prep_func(X)
preprocessor.prep_func = held
from {PACKAGE}.inferencer.__main__ import main
main()
"""


class Server:
    """A running server and its address."""

    def __init__(self, model_dir: Path, *arguments: str, **environment: str) -> None:
        self.http = free_port()
        program = ["-c", HELD] if "GATE" in environment else ["-m", f"{PACKAGE}.inferencer"]
        variables = {"MODEL_DIR": str(model_dir), "HTTP_PORT": str(self.http), "DRAIN_SECONDS": "0"}
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            env={**os.environ, **variables, **environment},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.http}", timeout=30)

    def wait(self, model: str) -> Server:
        """Wait until a model is ready."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.client.get(f"/v1/models/{model}").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the server did not become ready: {self.errors}")

    def stop(self) -> int:
        """Ask it to stop, and wait; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if not self.client.is_closed:  # else it has been stopped before
            self.output, self.errors = self.process.communicate(timeout=40)
        self.client.close()
        return self.process.returncode


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, model_dir: Path) -> Path:
    """Two models: "numbers", the sample, and "table", in numbered versions."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copytree(sample_dir, root / "numbers")
    shutil.copytree(model_dir, root / "table" / "0001")
    return root


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Server]]:
    """Start servers; they are stopped in the end."""
    servers: list[Server] = []

    def start(*arguments: object, **options: object) -> Server:
        servers.append(Server(*arguments, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(start: Callable[..., Server], repository: Path) -> Server:
    """A server of both models."""
    return start(repository).wait("table")
