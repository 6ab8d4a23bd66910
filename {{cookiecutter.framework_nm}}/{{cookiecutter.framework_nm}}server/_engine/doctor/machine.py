"""What is looked at on the machine: Python, ports, memory. Each check returns problems, or what it found.

Not here: the project's own files (parts.py).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from .finding import Finding, fine, wrong
from .project import Project

#: How many times its own size a request of plain numbers takes in memory while it is answered. For 104 MB of rows of
#: four numbers, 3 to 10 were measured. What else JSON has may take 20, and is limited by --max_text_size.
TIMES = 10


def check_python(project: Project) -> Finding:
    """Whether the environment, or what would make it, is of a Python that the project runs on."""
    first, end = project.pythons()
    needed = f"the project needs {_dotted(first)} or newer, but older than {_dotted(end)}"
    if not project.venv.exists():
        if first <= sys.version_info[:2] < end:
            return fine(f"{_dotted(sys.version_info[:3])}; no {project.venv.name} yet: make install")
        return wrong(
            f"make found {_dotted(sys.version_info[:3])}, and {needed}: install one, for example with "
            "`uv python install`, or name one: make install PYTHON=/path/to/python"
        )
    try:
        command = [str(project.python), "-c", "import sys; print(*sys.version_info[:3])"]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return wrong(f"the Python in {project.venv.name} does not run: remove that folder, then run make install")
    version = tuple(map(int, run.stdout.split()))
    if first <= version[:2] < end:
        return fine(f"{_dotted(version)} in {project.venv.name}")
    return wrong(
        f"{project.venv.name} has {_dotted(version)}, and {needed}: remove {project.venv.name}, then run make install"
    )


def check_ports(_: Project) -> Finding:
    """Whether the ports that `make serve` takes are free."""
    ports = {name: os.environ[name] for name in ("HTTP_PORT", "GRPC_PORT") if os.environ.get(name)}
    taken = [name for name, port in ports.items() if not _is_free(port)]
    if not taken:
        return fine(f"{' and '.join(ports.values())} are free")
    return wrong(
        *(
            f"port {ports[name]} cannot be used: stop what listens there, or choose another one: make serve {name}=..."
            for name in taken
        )
    )


def check_memory(_: Project) -> Finding:
    """Whether one request of the largest size that the server takes fits into memory."""
    limit = os.environ.get("MAX_BUFFER_SIZE") or "104857600"
    free = free_memory()
    if free is None or not limit.isdecimal():
        return fine("not known on this system")
    needed = TIMES * int(limit)
    if needed <= free:
        return fine(f"{_mb(free)} are free; a request of MAX_BUFFER_SIZE ({_mb(int(limit))}) may take {_mb(needed)}")
    return wrong(
        f"only {_mb(free)} are free, but a request of MAX_BUFFER_SIZE ({_mb(int(limit))}) may take {_mb(needed)}: "
        f"serve with MAX_BUFFER_SIZE={free // TIMES // 2}, or with more memory"
    )


def free_memory(meminfo: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that processes may still take, in a container those that it has left; None where nobody says."""
    found = []
    try:
        found.append(int(re.findall(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())[0]) * 1024)
        found.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError, IndexError):
        pass
    return min(found, default=None)


def _is_free(port: str) -> bool:
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it means another thing
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", int(port)))
        except (OSError, ValueError, OverflowError):
            return False
    return True


def _dotted(version: tuple[int, ...]) -> str:
    return "Python " + ".".join(map(str, version))


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
