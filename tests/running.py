"""Running generated projects in tests: commands as a user types them, and servers as processes of their own.

What the tests hold is in test_*.py; nothing here knows a framework.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from facts import ENGINE, QUESTIONS, TEMPLATE

sys.path.insert(0, str(ENGINE.parent))
from _engine.serving.testing import free_port as free_port


def shell(project: Path, command: str, **environment: str) -> str:
    """Run a command as a user types it; returns what it printed."""
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def beside(project: Path, folder: Path, requirements: list[str]) -> Path:
    """Install packages into a folder for PYTHONPATH, in versions that suit a project's lock; returns that folder."""
    # MLflow 2, which is what there is for old Pythons, takes an older `packaging`.
    pins = re.findall(r"^(?!packaging)[\w.-]+==[^\\\n]+", (project / "requirements.lock").read_text(), re.MULTILINE)
    (folder / "constraints.txt").write_text("\n".join(pins))
    python, wanted = project / ".venv/bin/python", " ".join(requirements)
    shell(folder, f"uv pip install -q --python {python} --target packages --constraints constraints.txt {wanted}")
    return folder / "packages"


def borrow(project: Path, environment: Path) -> None:
    """Let a project run in the environment of another one, from which it differs in its code only."""
    (project / ".venv").symlink_to(environment)
    for name in ("setup.py", "requirements.txt", "requirements.lock"):  # older, so that make does not renew it
        os.utime(project / name, (0, 0))


def lay_promises(project: Path, sdk: str) -> str:
    """Lay the tests of tests/promises into a project, and return their folder, as pytest takes it."""
    promises = TEMPLATE / "tests" / "promises"
    folder = f"{project.name}server/promises"
    families = QUESTIONS["_frameworks"][project.name]["families"]
    layers = [f"families/{family}" for family in families] + [f"frameworks/{project.name}", f"sdks/{sdk}"]
    for layer in (promises, *(promises / layer for layer in layers)):
        for source in layer.rglob("*.py"):
            name = source.relative_to(layer)
            if name.parts[0] not in ("families", "frameworks", "sdks"):
                target = project / folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (target.parent / "__init__.py").touch()
                target.write_bytes(source.read_bytes())
    (project / folder / "__init__.py").touch()
    return folder


def until(
    true: Callable[[], object], process: subprocess.Popen[Any] | None = None, said: Callable[[], str] = str
) -> None:
    """Wait until something is true, for two minutes at most, and as long as `process` runs. `said` is what is shown
    where that does not come."""
    deadline = time.monotonic() + 120
    while not true():
        assert (process is None or process.poll() is None) and time.monotonic() < deadline, said()
        time.sleep(0.02)


def answers(url: str, process: subprocess.Popen[Any], seconds: float = 120) -> bool:
    """Whether `process` answers `url` with success in that time, and before it ends."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except OSError:
            time.sleep(0.1)
    return False


@contextmanager
def serving(project: Path, command: str, url: str) -> Iterator[None]:
    """Run a command that serves until it is interrupted, as with Ctrl-C."""
    log = project.parent / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            ["bash", "-c", command], cwd=project, stdout=output, stderr=output, start_new_session=True
        )
    try:
        assert answers(url, server), log.read_text()
        yield
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(60)


def ask_grpc(port: int, metadata: dict[str, Any], instances: list[Any]) -> list[Any]:
    """Ask for predictions of rows or records, sent as V2 tensors: one, or one per column. `metadata` is the model's."""
    from kserve import InferenceGRPCClient, InferInput, InferRequest  # this takes seconds, and few tests need it

    rows = [list(row.values()) if isinstance(row, dict) else row for row in instances]
    columns = [rows] if len(metadata["inputs"]) == 1 else [list(column) for column in zip(*rows)]
    tensors = []
    for item, values in zip(metadata["inputs"], columns):
        kinds = {"BYTES": object, "BOOL": bool}
        array = np.array(values, dtype=kinds.get(item["datatype"], float))
        tensors.append(InferInput(item["name"], list(array.shape), item["datatype"]))
        tensors[-1].set_data_from_numpy(array, binary_data=False)

    async def infer() -> list[Any]:
        client = InferenceGRPCClient(f"127.0.0.1:{port}")
        try:
            answer = await client.infer(InferRequest(metadata["name"], tensors))
        finally:
            await client.close()
        values = answer.outputs[0].as_numpy().tolist()
        return [value.decode() if isinstance(value, bytes) else value for value in values]

    return asyncio.run(infer())


class Server:
    """A server of an installed project: its ports, a client for REST, and its log.

    `environment` are its variables, such as MODEL_DIR; `program` takes the place of `-m <package>.inferencer`.
    `wrap` may put another command around the server's; `cwd` is the project unless told.
    """

    def __init__(
        self,
        project: Path,
        *arguments: str,
        program: str = "",
        wrap: Callable[..., list[str | Path]] = lambda *command: [*command],
        cwd: Path | None = None,
        **environment: str,
    ) -> None:
        package = f"{project.name}server"
        self.http, self.grpc = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.http}"
        self.model = environment.get("MODEL_NAME", "m")
        variables = {
            "MODEL_NAME": self.model,
            "MODEL_DIR": str(project / package / "example_models" / "0001"),
            "HTTP_PORT": str(self.http),
            "GRPC_PORT": str(self.grpc),
            "DRAIN_SECONDS": "0",
        }
        self._log = project.parent / f"server-{self.http}.log"
        command = ["-c", program] if program else ["-m", f"{package}.inferencer"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                wrap(project / ".venv/bin/python", *command, *arguments),
                cwd=cwd or project,
                env={**os.environ, **variables, **environment},
                stdout=log,
                stderr=log,
            )
        self.client = httpx.Client(base_url=self.address, timeout=60)

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def memory(self, most: bool = False) -> int:
        """Bytes of memory that it holds, or has held at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:" if most else "VmRSS:")[2].split()[0]) * 1024

    def __enter__(self) -> Server:
        """Wait until its model is ready."""
        try:
            until(self._is_ready, self.process, lambda: f"the server did not become ready: {self.log}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _is_ready(self) -> bool:
        try:
            return self.client.get(f"/v1/models/{self.model}").status_code == 200
        except httpx.TransportError:
            return False

    def __exit__(self, *_: object) -> None:
        """End it, whatever state it is in."""
        self.client.close()
        self.process.kill()
        self.process.wait(60)
