"""`make demo`, as somebody runs it who has just cloned this: what it shows, and that nothing of it goes on running."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from facts import TEMPLATE

pytestmark = pytest.mark.slow

#: What others call their own things. None of it may decide what the demo's project does.
NONSENSE = {
    "ARGS": "--nonsense",
    "GRPC_PORT": "nonsense",
    "HOST": "nonsense.invalid",
    "HTTP_PORT": "nonsense",
    "IMAGE": "nonsense",
    "INPUT": "/nonsense",
    "MAKEFLAGS": " -- MODEL_NAME=nonsense",
    "MODEL_DIR": "/nonsense",
    "MODEL_NAME": "nonsense",
    "PYTHON": "/nonsense",
    "UV": "/nonsense",
    "VENV": "/nonsense",
}


class Demo:
    """A `make demo` at work: what it has printed so far, and the processes that belong to it."""

    def __init__(self, folder: Path, framework: str, terminal: bool = False) -> None:
        self.folder = folder
        self.printed = ""
        self._output, theirs = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            ["make", "demo", f"DEMO={folder}", *([f"FRAMEWORK={framework}"] if framework else [])],
            cwd=TEMPLATE,
            env={**os.environ, **NONSENSE},
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_at_a_terminal if terminal else None,
        )
        os.close(theirs)

    def read_until(self, text: str, seconds: float = 600) -> None:
        """Read what it prints until the text is there."""
        while text not in self.printed:
            assert self._read(seconds), f"It ended without {text!r}:\n{self.printed}"

    def finish(self) -> int:
        """Read the rest; returns its status."""
        while self._read(600):
            pass
        return self.process.wait(60)

    def close_terminal(self) -> None:
        os.close(self._output)
        self._output = -1

    def script(self) -> int:
        """The id of the process that make started."""
        (found,) = [
            pid
            for pid, line, _ in processes()
            if "tools/demo" in line and str(self.folder) in line and pid != self.process.pid
        ]
        return found

    def survivors(self) -> list[str]:
        """The processes that name its folder, or are in it."""
        return [
            line or cwd for _, line, cwd in processes() if str(self.folder) in line or cwd.startswith(str(self.folder))
        ]

    def open_ports(self) -> list[int]:
        """Those of the ports it named that somebody listens on."""
        found = []
        for port in map(int, re.findall(r"_PORT=(\d+)", self.printed)):
            with socket.socket() as probe:
                found += [port] if probe.connect_ex(("127.0.0.1", port)) == 0 else []
        return found

    def _read(self, seconds: float) -> str:
        """Read a piece; "" at the end, which on Linux is an error where a terminal is closed."""
        deadline = time.monotonic() + seconds
        os.set_blocking(self._output, False)
        while time.monotonic() < deadline:
            try:
                piece = os.read(self._output, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.02)
                continue
            except OSError:
                return ""
            self.printed += piece
            return piece
        raise AssertionError(f"Nothing more is printed:\n{self.printed}")


def _at_a_terminal() -> None:
    """Make standard input the terminal that controls this process."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def processes() -> Iterator[tuple[int, str, str]]:
    """Id, command line and working directory of all processes but this one."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("processes are looked for in /proc")
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield int(entry.name), line, os.readlink(entry / "cwd")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Demo]]:
    """Start demos in one folder, so that later ones find what the first one made; nothing stays, whatever fails."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    started: list[Demo] = []

    def start(framework: str = "", terminal: bool = False) -> Demo:
        started.append(Demo(folder, framework, terminal))
        return started[-1]

    yield start
    for each in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
    for pid, line, cwd in processes():
        if str(folder) in line or cwd.startswith(str(folder)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
def test_it_shows_the_whole_way_and_what_to_type_next(demo: Callable[..., Demo], terminal: bool) -> None:
    """Twice in a row, too; and the environment that it makes holds cookiecutter, not what the template's tests need."""
    run = demo(terminal=terminal)
    assert run.finish() == 0, run.printed
    printed = re.sub(r"\x1b\[\d*m", "", run.printed).replace("\r", "")
    steps = re.findall(r"^([A-Z][\w ,]+)(?::  \$ .*)?\n(?:.*\n)*?  \d+\.\d s", printed, re.MULTILINE)
    assert steps[-6:] == [
        "Generate a project",
        "Install what it needs, in its own environment",
        "Train a model",
        "Serve it",
        "Send it a request",
        "Stop the server",
    ]
    assert '{"predictions":[0]}' in printed
    assert (run.survivors(), run.open_ports()) == ([], [])

    end = printed[printed.index("\nDone in ") :]
    project = run.folder / "sklearn"
    made = [Path(path) for path in re.findall(r"^  (\S+)  +\w", end, re.MULTILINE) if path.startswith("/")]
    assert made[0] == project and all(path.exists() for path in made)
    assert (made[1] / "metadata.json").is_file()
    assert f"\n  cd {project}\n" in end and "\n  make serve " in end

    environment = run.folder / ".venv" / "bin"
    assert (environment / "cookiecutter").exists() and not (environment / "pytest").exists()
    assert not list(environment.parent.glob("lib/*/site-packages/pytest"))


#: When it is asked to end: once this has been printed.
INSTALLING, TRAINING, STARTING, SERVING = "make install", "Training:", "GRPC_PORT=", "until it is ready"


def interrupt(run: Demo) -> None:
    """What Ctrl-C does: all of the foreground process group gets it."""
    os.killpg(run.process.pid, signal.SIGINT)


def terminate(run: Demo) -> None:
    os.kill(run.script(), signal.SIGTERM)


def terminate_make(run: Demo) -> None:
    run.process.terminate()


def close_terminal(run: Demo) -> None:
    run.close_terminal()


@pytest.mark.parametrize(
    ("moment", "stop"),
    [
        (INSTALLING, interrupt),
        (TRAINING, interrupt),
        (STARTING, interrupt),
        (SERVING, interrupt),
        (TRAINING, terminate),
        (STARTING, terminate_make),
        (STARTING, close_terminal),
    ],
)
def test_nothing_of_it_runs_on_when_it_is_stopped(
    demo: Callable[..., Demo], moment: str, stop: Callable[[Demo], None]
) -> None:
    run = demo(terminal=stop is close_terminal)
    run.read_until(moment)
    stop(run)
    if stop is close_terminal:
        run.process.wait(120)
    else:
        assert run.finish() != 0, run.printed
        assert "\nThe demo was stopped" in run.printed.replace("\r", "")
        assert "Traceback" not in run.printed
    assert (run.survivors(), run.open_ports()) == ([], [])


def test_a_server_that_cannot_start_shows_its_log_and_nothing_runs_on(demo: Callable[..., Demo]) -> None:
    """What makes it fail is in a file of the owner's, which generating again keeps."""
    run = demo()
    run.read_until(TRAINING)
    interrupt(run)
    run.finish()
    edited = run.folder / "sklearn" / "sklearnserver" / "trainer" / "postprocessor.py"
    before = edited.read_text()
    edited.write_text(
        f"{before}\nimport sys\n\nif sys.orig_argv[-1].endswith('inferencer'):\n    sys.exit('a mistake of mine')\n"
    )
    try:
        run = demo()
        assert run.finish() != 0
    finally:
        edited.write_text(before)
    assert "The server did not become ready. Its log, " in run.printed and "a mistake of mine" in run.printed
    assert (run.survivors(), run.open_ports()) == ([], [])


def test_an_unknown_framework_is_refused_with_a_list_of_the_known_ones(demo: Callable[..., Demo]) -> None:
    run = demo("scikit")
    assert run.finish() != 0
    assert 'There is no framework "scikit". FRAMEWORK is one of sklearn, xgboost, ' in run.printed
    assert "Traceback" not in run.printed
