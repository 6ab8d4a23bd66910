"""A real container engine for the tests, driven through its command line.

Here: finding the engine, building an image, running and watching a container, and handing wheels that this machine
holds to a build. Not here: how an engine or a base image is come by (the script tools/container-engine),
nor what the images under test must do.
"""

import functools
import http.server
import os
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import ClassVar

import pytest
from facts import SDKS, TEMPLATE, find_links, find_python
from needed import UNDER_CI

_SCRIPT = TEMPLATE / "tools" / "container-engine"
_NO_BUILD_ARGS: Mapping[str, str] = MappingProxyType({})


class EngineUnavailable(Exception):
    """No engine, or no base image, can be had on this machine; the message is one sentence that says why."""


class EngineError(Exception):
    """A command of the engine failed; the message holds the command and what it printed."""


class Container:
    """A container that was started. Close it, or use it in a `with` statement, and it is gone."""

    def __init__(self, engine: "Engine", identifier: str) -> None:
        self._engine = engine
        self.identifier = identifier

    def __enter__(self) -> "Container":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def logs(self) -> str:
        """What the container wrote so far; standard output and standard error in one text."""
        return self._engine.command("logs", self.identifier, stderr=subprocess.STDOUT)

    def port(self, inside: int) -> int:
        """The port of this machine that `-p 127.0.0.1::<inside>` was given."""
        lines = self._engine.command("port", self.identifier, f"{inside}/tcp").split()
        return int(lines[0].rpartition(":")[2])

    def exit_code(self, timeout: float = 60) -> int:
        """Waits until the container ends; raises TimeoutError, with its logs, where it does not in time."""
        try:
            return int(self._engine.command("wait", self.identifier, timeout=timeout))
        except subprocess.TimeoutExpired:
            message = f"The container did not end within {timeout} s. It wrote:\n{self.logs()}"
            raise TimeoutError(message) from None

    def stop(self, seconds: int = 10) -> None:
        """SIGTERM, and SIGKILL when the container has not ended `seconds` later."""
        self._engine.command("stop", "-t", str(seconds), self.identifier, timeout=seconds + 60)

    def signal(self, name: str) -> None:
        self._engine.command("kill", "--signal", name, self.identifier)

    def close(self) -> None:
        self._engine.command("rm", "--force", "--volumes", self.identifier)


class Engine:
    """The engine behind one client command, such as `/usr/bin/docker`."""

    # Also what failed is kept: a second attempt costs minutes and ends the same.
    _found: ClassVar[dict[str, "Engine | EngineUnavailable"]] = {}

    def __init__(self, client: str) -> None:
        self.client = client

    @classmethod
    def find(cls, python_version: str = "3.11") -> "Engine":
        """An engine that has the image `python:<python_version>-slim`; looked for once in a session."""
        if python_version not in cls._found:
            cls._found[python_version] = cls._look(python_version)
        found = cls._found[python_version]
        if isinstance(found, EngineUnavailable):
            raise found
        return found

    @classmethod
    def _look(cls, python_version: str) -> "Engine | EngineUnavailable":
        try:
            done = subprocess.run([_SCRIPT, python_version], capture_output=True, text=True, timeout=900)
        except (OSError, subprocess.TimeoutExpired) as problem:
            return EngineUnavailable(f"No container engine can be had: {problem}.")
        if done.returncode == 0:
            return cls(done.stdout.strip())
        return EngineUnavailable((done.stderr.strip() or "No container engine can be had.").splitlines()[-1])

    def build(
        self,
        context: Path,
        dockerfile: str,
        tag: str,
        *,
        build_args: Mapping[str, str] = _NO_BUILD_ARGS,
        timeout: float = 1800,
    ) -> None:
        """Builds `dockerfile`, a path inside `context`, with BuildKit; raises EngineError with its output."""
        # The host's network: a package registry may be reachable from there only.
        options = ["--network=host", "--progress=plain", f"--tag={tag}", f"--file={context / dockerfile}"]
        options += [f"--build-arg={name}={value}" for name, value in build_args.items()]
        self.command("build", *options, str(context), timeout=timeout)

    def run(self, tag: str, *options: str, args: Sequence[str] = ()) -> Container:
        """Starts a container in the background. `options` go to the engine, `args` to the container."""
        # Created, then started: where starting fails (a taken port), the container is known and removed.
        identifier = self.command("create", "--pull", "never", *options, tag, *args).split()[-1]
        container = Container(self, identifier)
        try:
            self.command("start", identifier)
        except BaseException:
            container.close()
            raise
        return container

    def image_size(self, tag: str) -> int:
        """The image's size in bytes, its base image included."""
        return int(self.command("image", "inspect", "--format", "{{.Size}}", tag))

    def remove(self, tag: str) -> None:
        """Removes an image, and under CI what the engine keeps of builds, except for downloads in cache mounts.

        Twice the size of each image fills a disk; but a build cache that others use, too, is not the tests' to empty.
        """
        self.command("image", "rm", "--force", tag)
        if UNDER_CI:
            self.command("builder", "prune", "--force", "--filter", "type=regular", timeout=600)

    def command(self, *words: str, timeout: float = 120, stderr: int = subprocess.PIPE) -> str:
        """Runs any command of the client; returns its standard output, raises EngineError where it fails."""
        command = [self.client, *words]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
        )
        if done.returncode != 0:
            output = done.stdout + (done.stderr or "")
            raise EngineError(f"`{shlex.join(command)}` exited with {done.returncode}. It printed:\n{output}")
        return done.stdout


def _wheels() -> list[Path]:
    return list(Path(find_links()).glob("*.whl")) if find_links() else []


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def extra_index(requirements: Sequence[str]) -> Iterator[dict[str, str]]:
    """Build arguments by which `requirements` come from wheels of this machine, if it has all of them.

    A build cannot read this machine's files, so they are served to it as a package index while the block runs.
    """
    pinned = {requirement.replace("==", "-"): requirement.partition("==")[0] for requirement in requirements}
    found = {pin: [wheel for wheel in _wheels() if re.match(rf"{re.escape(pin)}[-+]", wheel.name)] for pin in pinned}
    if not pinned or not all(found.values()):
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        for pin, wheels in found.items():
            project = Path(folder, pinned[pin])
            project.mkdir()
            for wheel in wheels:
                (project / wheel.name).symlink_to(wheel)
        handler = functools.partial(_Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield {"PIP_EXTRA_INDEX_URL": f"http://127.0.0.1:{server.server_address[1]}/"}
            finally:
                server.shutdown()


def require_engine(python_version: str) -> Engine:
    """The engine, with the base image of a Python; skips the test where it cannot be had, and under CI fails it."""
    try:
        return Engine.find(python_version)
    except EngineUnavailable as problem:
        # A laptop may lack an engine; CI that quietly stops testing the image must not stay green. An old Python to
        # make a base image of is more than can be asked of a machine, as in the user's journey.
        optional = python_version in SDKS["kfserving"]["pythons"] and not find_python(python_version)
        if UNDER_CI and not optional:
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(str(problem))
