"""`make serve ARGS=--reload`: edits and new models are served at once, and broken ones wait for the next edit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from facts import SDKS
from running import borrow, free_port, until

pytestmark = pytest.mark.slow


class Watched:
    """A project that is served with --reload."""

    def __init__(self, project: Path) -> None:
        self.package = project / f"{project.name}server"
        self.answers = self.package / "trainer" / "postprocessor.py"
        self._log = project / "server.log"
        http, grpc = free_port(), free_port()
        self._address = f"http://127.0.0.1:{http}/v1/models/{project.name}server-test"
        command = ["make", "serve", "ARGS=--reload", f"HTTP_PORT={http}", f"GRPC_PORT={grpc}"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=project, stdout=log, stderr=log, start_new_session=True)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def predict(self) -> object:
        """What one row is answered with; None where nobody answers."""
        try:
            answer = httpx.post(f"{self._address}:predict", json={"instances": [[5.1, 3.5, 1.4, 0.2]]}, timeout=5)
            return answer.json().get("predictions")
        except httpx.TransportError:
            return None

    def wait(self, what: Callable[[], bool]) -> None:
        until(what, self.process, lambda: self.log)

    def processes(self) -> dict[int, str]:
        """The commands that run on its terminal, by their ids."""
        found = subprocess.run(
            ["ps", "--sid", str(self.process.pid), "-o", "pid=,args="], stdout=subprocess.PIPE, text=True
        )
        return {int(pid): command for pid, command in (line.split(None, 1) for line in found.stdout.splitlines())}

    def kill(self) -> None:
        """End whatever is left of it."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)


@pytest.fixture(params=SDKS)
def watched(
    request: pytest.FixtureRequest, bake: Callable[..., Path], install: Callable[..., Path]
) -> Iterator[Watched]:
    project = bake("sklearn", serving_sdk=request.param)
    borrow(project, install("sklearn", request.param) / ".venv")
    watched = Watched(project)
    try:
        watched.wait(lambda: watched.predict() == [0])
        yield watched
    finally:
        watched.kill()


def test_edits_and_new_models_are_served_and_a_broken_edit_waits(watched: Watched) -> None:
    """Whatever was wrong meanwhile, the next edit is served; then Ctrl-C leaves no process."""
    as_it_was = watched.answers.read_text()

    watched.answers.write_text(as_it_was.replace("return y_hat", "return y_hat + 10"))
    watched.wait(lambda: watched.predict() == [10])
    assert "trainer/postprocessor.py changed" in watched.log

    watched.answers.write_text(as_it_was + "\nbroken(\n")
    watched.wait(lambda: "starts again after the next edit" in watched.log)
    assert "SyntaxError" in watched.log and watched.predict() is None

    watched.answers.write_text(as_it_was.replace("return y_hat", "return y_hat + 20"))
    watched.wait(lambda: watched.predict() == [20])

    version = watched.package / "trainer" / "0001"
    shutil.copytree(watched.package / "example_models" / "0001", draft := version.with_name(".0001"))
    draft.rename(version)
    watched.wait(lambda: f"from {os.path.relpath(version, watched.package.parent)}" in watched.log)
    watched.wait(lambda: watched.predict() == [20])

    os.killpg(watched.process.pid, signal.SIGINT)
    watched.process.wait(30)
    assert watched.processes() == {}


def test_sigterm_ends_the_server_too(watched: Watched) -> None:
    """As when an editor ends what it started."""
    (reloader,) = (pid for pid, command in watched.processes().items() if command.endswith("_engine.serving.reload"))
    os.kill(reloader, signal.SIGTERM)
    watched.process.wait(30)
    assert watched.processes() == {}
