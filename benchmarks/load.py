"""The load: wrk, or h2load for gRPC, on a core of its own, sending one request over and over for some seconds."""

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
_NEEDED = {"wrk": "wrk", "h2load": "nghttp2-client", "taskset": "util-linux", "setpriv": "util-linux"}


@dataclass(frozen=True)
class Load:
    """What is sent: how many rows in a request, over how many connections, and for how many seconds at least."""

    key: str
    rows: int
    connections: int
    seconds: int = 1


CONNECTIONS = (1, 4, 16, 64, 256, 1000)
ROWS = (1, 10, 100, 1000, 10_000, 100_000)
#: The forms of one row besides V1.
FORMS = ("v2", "columns", "binary", "grpc")
LOADS = {
    load.key: load
    for load in (
        *(Load(f"one c={connections}", 1, connections) for connections in CONNECTIONS),
        *(Load(f"one {form}", 1, 16) for form in FORMS),
        # As many as keep the server busy while one answer is read and the next request written.
        *(Load(f"bulk {form}", 1000, 4) for form in ("v1", "json", "binary")),
        # Of the largest, the slowest servers answer one in two seconds.
        *(Load(f"{form} rows={rows}", rows, 1, 1 + rows // 20_000) for form in ("json", "binary") for rows in ROWS),
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


def run(load: Load, request: Request, port: int, seconds: int, scratch: Path, models: int = 1) -> Result:
    """Send `request` to the server at `port`, or to so many models of it in turn. Raises Failed where wrk does."""
    body = scratch / "body"
    body.write_bytes(request.body)
    seconds = max(seconds, load.seconds)
    url = f"http://127.0.0.1:{port}{request.path}"
    if request.grpc:
        return _run_grpc(load, url, body, request.headers, seconds)
    command = ["wrk", "--threads", "1", "--connections", str(load.connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--script", str(HERE / "load.lua"), url, "--"]
    command += [str(body), str(models), *(f"{name}: {value}" for name, value in request.headers.items())]
    output = _output(command, seconds)
    lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise Failed(f"wrk: {output.strip()[-200:]}")
    numbers = json.loads(lines[0].removeprefix("RESULT "))
    good = numbers["requests"] - numbers["not_2xx"]
    errors = numbers["not_2xx"] + numbers["socket_errors"]
    return Result(good, good / numbers["microseconds"] * 1e6, numbers["p50"] / 1e3, numbers["p99"] / 1e3, errors)


def _run_grpc(load: Load, url: str, body: Path, headers: dict[str, str], seconds: int) -> Result:
    log = body.with_name("requests.tsv")
    log.unlink(missing_ok=True)
    command = ["h2load", "--threads", "1", "--clients", str(load.connections), "--max-concurrent-streams", "1"]
    command += ["--duration", str(seconds), "--data", str(body), "--log-file", str(log), url]
    command += [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    output = _output(command, seconds)
    if not log.exists():
        raise Failed(f"h2load: {output.strip()[-200:]}")
    answers = [line.split("\t") for line in log.read_text().splitlines()]
    times = sorted(int(microseconds) / 1e3 for _, status, microseconds in answers if status == "200")
    if not times:
        raise Failed("no request was answered")
    p99 = times[len(times) * 99 // 100]
    return Result(len(times), len(times) / seconds, times[len(times) // 2], p99, len(answers) - len(times))


def _output(command: list[str], seconds: int) -> str:
    try:
        done = subprocess.run(
            ["taskset", "--cpu-list", CORE, *command], capture_output=True, text=True, timeout=seconds + 30
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} did not end") from None
    return done.stdout + done.stderr
