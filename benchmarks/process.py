"""A server as a process: started on its core, waited for, paused while others are measured, weighed, and ended."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from .environments import Failed, clean_environ, run
from .paths import CACHE, HERE
from .protocols import Request
from .servers import Place, Server

_CORE = "0"
_READY_WITHIN = 45.0
_ANSWER_WITHIN = 30.0
_POLL = 0.01
#: Seconds between two looks at whether a server is idle, the share of them that it may run, and how often to look.
_LOOK, _IDLE, _LOOKS = 0.25, 0.05, 60


class Running:
    """A running server. Make one with `start`, and close it whatever happens."""

    def __init__(self, server: Server, place: Place) -> None:
        self.server = server
        self.place = place
        self.log = place.folder / "server.log"
        known = {"MODEL_FILE": str(place.trained.weights), "PORT": str(place.ports[0]), "COPIES": str(place.copies)}
        environ = {**known, **server.environ}
        self._paused: list[int] = []
        self._began = time.monotonic()
        with self.log.open("wb") as log:
            # If the benchmark is killed, so is the server.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "taskset", "--cpu-list", _CORE, *server.command(place)],
                env=clean_environ(**environ),
                cwd=place.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, request: Request) -> float:
        """Wait for the first right answer; returns the seconds since the start. Raises Failed."""
        reason = "no answer"
        while time.monotonic() - self._began < _READY_WITHIN:
            if self._process.poll() is not None:
                raise Failed(f"ended with status {self._process.returncode}: {self._last_words()}")
            try:
                reason = self.ask(request)
            except (OSError, http.client.HTTPException) as error:
                reason = f"{type(error).__name__}: {error}"
            if not reason:
                return time.monotonic() - self._began
            time.sleep(_POLL)
        raise Failed(f"not ready within {_READY_WITHIN:.0f} s: {reason}; {self._last_words()}")

    def ask(self, request: Request) -> str:
        """Ask once; returns what is wrong with the answer, or "". Raises OSError or HTTPException without one."""
        if request.grpc:
            return self._ask_over_grpc(request)
        connection = http.client.HTTPConnection("127.0.0.1", self.port_of(request), timeout=_ANSWER_WITHIN)
        try:
            connection.request("POST", request.path, request.body, request.headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            return f"status {answer.status}: {body[:200].decode(errors='replace')}"
        try:
            right = request.is_right(body, dict(answer.getheaders()))
        except (ValueError, LookupError, TypeError) as error:
            return f"an answer that cannot be read, {type(error).__name__} {error}: {body[:200]!r}"
        return "" if right else f"not the model's answer: {body[:200].decode(errors='replace')}"

    def port_of(self, request: Request) -> int:
        return self.place.ports[1 if request.grpc else 0]

    def _ask_over_grpc(self, request: Request) -> str:
        body = self.place.folder / "asked"
        body.write_bytes(request.body)
        try:
            answer = run([self.place.environment.python, HERE / "grpc_ask.py", str(self.port_of(request)), body])
        except Failed as error:
            return str(error)
        return "" if request.is_right(answer.encode(), {}) else f"not the model's answer: {answer[:200]}"

    def pause(self) -> None:
        """Stop it in its tracks, so that idle loops take nothing from the server that is measured."""
        self._paused = self._members()
        self._signal(self._paused, signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(self._paused, signal.SIGCONT)
        self._paused = []

    def settle(self) -> None:
        """Wait until it is idle: what it was asked may have it load something behind its answer."""
        for _ in range(_LOOKS):
            before = self.processor_time()
            time.sleep(_LOOK)
            if self.processor_time() - before < _IDLE * _LOOK:
                return

    def memory(self) -> float:
        """The resident memory of all its processes, in MB."""
        pages = 0
        for pid in self._members():
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:  # it ended meanwhile
                continue
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor_time(self) -> float:
        """Seconds that its processes have run, with the threads that ended meanwhile."""
        seconds = 0.0
        for pid in self._members():
            with suppress(OSError):  # it ended meanwhile
                seconds += time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid of Linux' C library has it
        return seconds

    def close(self) -> None:
        """End it: gently, then not."""
        members = self._members()
        self.resume()
        self._signal([self._process.pid] if self._process.poll() is None else [], signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._signal(sorted({*members, *self._members()}), signal.SIGKILL)
        self._process.wait()

    def _members(self) -> list[int]:
        """Its processes: the first one, those that descend from it, and those that are in its session."""
        children: dict[int, list[int]] = {}
        waiting = [self._process.pid]
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, parent, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                except OSError:  # it ended meanwhile
                    continue
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
                    if int(session) == self._process.pid:
                        waiting.append(int(entry.name))
        found: set[int] = set()
        while waiting:
            pid = waiting.pop()
            found.add(pid)
            waiting += [child for child in children.get(pid, ()) if child not in found]
        return sorted(found) if self._process.poll() is None else sorted(found - {self._process.pid})

    def _signal(self, pids: list[int], what: signal.Signals) -> None:
        for pid in pids:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                continue

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return " ".join(line.strip() for line in lines if line.strip())[-300:]


def free_ports() -> tuple[int, int, int]:
    """Three ports that nobody listens on; the kernel gives out high ones only."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports[0], ports[1], ports[2]


def folder_of(server: Server, model: str) -> Path:
    """Where a server keeps its settings and its log."""
    folder = CACHE / "running" / f"{model}-{server.key}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
