"""The load: wrk on a core of its own, sending one request over and over for some seconds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .environments import Failed
from .paths import HERE
from .protocols import Request

CORE = "1"
_NEEDED = {"wrk": "wrk", "taskset": "util-linux", "setpriv": "util-linux"}


@dataclass(frozen=True)
class Load:
    """What is sent: which request of the material, and over how many connections."""

    key: str
    material: str
    connections: int


LOADS = {
    load.key: load
    for load in (
        Load("one c=1", "one", 1),
        Load("one c=16", "one", 16),
        Load("one c=64", "one", 64),
        # As many as keep the server busy while one answer is read and the next request written.
        Load("bulk json", "bulk", 4),
        Load("bulk binary", "bulk", 4),
    )
}


@dataclass(frozen=True)
class Result:
    """Requests, and how many per second, latencies in milliseconds, and errors."""

    requests: int
    rate: float
    p50: float
    p99: float
    errors: int


def check_machine() -> None:
    """Find what is needed, or install it where that is ours to do. Raises SystemExit with what to do."""
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("This needs two cores: one for the server, one for the load.")
    missing = sorted({package for tool, package in _NEEDED.items() if not shutil.which(tool)})
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {', '.join(missing)}", flush=True)
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", "-qq", *command], check=False, stdout=subprocess.DEVNULL)
    if not all(map(shutil.which, _NEEDED)):
        raise SystemExit(
            f"This needs {', '.join(missing)}. On Debian or Ubuntu: sudo apt-get install {' '.join(missing)}"
        )


def run(load: Load, request: Request, port: int, seconds: int, scratch: Path) -> Result:
    """Send `request` to the server at `port`. Raises Failed where wrk does."""
    body = scratch / "body"
    body.write_bytes(request.body)
    command = ["taskset", "--cpu-list", CORE, "wrk", "--threads", "1", "--connections", str(load.connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--script", str(HERE / "load.lua")]
    command += [f"http://127.0.0.1:{port}{request.path}", "--", str(body)]
    command += [f"{name}: {value}" for name, value in request.headers.items()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        raise Failed("wrk did not end") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise Failed(f"wrk: {(done.stderr or done.stdout).strip()[-200:]}")
    numbers = json.loads(lines[0].removeprefix("RESULT "))
    good = numbers["requests"] - numbers["not_2xx"]
    errors = numbers["not_2xx"] + numbers["socket_errors"]
    return Result(good, good / numbers["microseconds"] * 1e6, numbers["p50"] / 1e3, numbers["p99"] / 1e3, errors)
