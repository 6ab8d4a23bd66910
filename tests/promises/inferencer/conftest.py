"""A real server for the tests: a process of its own, asked through its ports."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from ..._engine.serving.testing import free_port
from ...trainer.model import MyModel

PACKAGE = __package__.split(".")[0]

#: A server whose model takes its time over rows that begin with 99: until its gate is opened, or three seconds where it
#: has none. It cannot answer rows that begin with 98, and for those with 97 it raises one of ERRORS, whose place is in
#: the second column. Anything else it answers as always.
SLOW = f"""
import os, pathlib, pydoc, time
import numpy as np
from {PACKAGE}.trainer import _core, preprocessor
gate = os.environ.get("GATE")
prep_func = preprocessor.prep_func
def hold(gate):
    with (gate / "reached").open("a") as file:
        file.write("once\\n")
    while not (gate / "open").exists():
        time.sleep(0.01)
def slow(X):
    time.sleep(0.001)  # so that the thread makes its calls
    if np.asarray(X)[0, 0] == 99:
        hold(pathlib.Path(gate)) if gate else time.sleep(3)
    if np.asarray(X)[0, 0] == 98:
        raise _core.Unanswerable("row 0: begins with 98")
    if np.asarray(X)[0, 0] == 97:
        name, *argument = os.environ["ERRORS"].split(",")[int(np.asarray(X)[0, 1])].split()
        raise pydoc.locate(name)(*(int(part) if part.isdecimal() else part for part in argument))
    return prep_func(X)
preprocessor.prep_func = slow
from {PACKAGE}.inferencer.__main__ import main
main()
"""

#: Rows of a request.
ROWS = 7


class Server:
    """A running server and its addresses."""

    def __init__(self, model_dir: Path, *arguments: str, slow: bool = False, **environment: str) -> None:
        self.http, self.grpc = free_port(), free_port()
        program = ["-c", SLOW] if slow else ["-m", f"{PACKAGE}.inferencer"]
        variables = {"MODEL_DIR": str(model_dir), "HTTP_PORT": str(self.http), "GRPC_PORT": str(self.grpc)}
        variables["DRAIN_SECONDS"] = "0"
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
    return start(repository, ENABLE_DOCS_URL="true").wait("table")


@pytest.fixture(params=["numbers", "table"])
def case(request: pytest.FixtureRequest, sample_dir: Path, model: MyModel, table: Any) -> tuple[str, MyModel, Any]:
    """A model's name, the model in process, and some input."""
    if request.param == "table":
        return "table", model, model.signature.conform(table[0].head(ROWS))
    sample = MyModel(dirpath=sample_dir, runtime="auto")
    return "numbers", sample, np.repeat(sample.example, ROWS, axis=0) * np.linspace(0.5, 2, ROWS)[:, None]


def instances(X: Any, records: bool = False) -> list[Any]:
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    if "active" in frame:
        frame = frame.assign(active=frame["active"].astype(bool))
    frame = frame.astype(object).where(frame.notna(), None)
    return frame.to_dict("records") if records else frame.to_numpy().tolist()


def without_text_gaps(X: Any) -> Any:
    """V2's BYTES tensors have no missing values in their binary form."""
    return X if isinstance(X, np.ndarray) else X.assign(plan=X["plan"].fillna("basic"))


def says_why_it_ends(server: Server, complaint: str) -> None:
    """A server that cannot start ends by itself, and the last line that it prints says why."""
    server.process.wait(60)
    assert server.stop() != 0
    assert complaint in server.errors.splitlines()[-1]
    assert "Traceback" not in server.errors
