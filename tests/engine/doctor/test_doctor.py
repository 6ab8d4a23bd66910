"""Promises of `make doctor`: each thing that can be wrong is found when it is, with what to do, and not otherwise."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from _engine.doctor import machine, parts
from _engine.doctor.finding import Finding
from _engine.doctor.project import Project

REQUIREMENTS = """
# what serving needs
scikit_learn==1.9.1
pandas[extra]==2.3.3 ; python_version > '3'
torch==2.13.0
wheel
"""
LOCK = "pandas==2.3.3 \\\n    --hash=sha256:00\nscikit-learn==1.9.1 \\\n    --hash=sha256:00\nwheel==1.0\n"
ENGINE = {"VERSION": "2.0.0\n", "__init__.py": "", "serving/model.py": "x = 1\n"}


def write(root: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode())


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing is wrong, with the parts that checks look at."""
    here, after = "{}.{}".format(*sys.version_info), f"{sys.version_info[0]}.{sys.version_info[1] + 1}"
    write(tmp_path / "p" / "_engine", ENGINE)
    digests = "".join(f"{digest(content)}  p/_engine/{name}\n" for name, content in ENGINE.items())
    metadata = {"versions": {"scikit-learn": "1.9.1", "python": "3.11.1"}, "files": {"input.json": digest("{}")}}
    write(
        tmp_path,
        {
            "setup.py": f'python_requires=">={here},<{after}",\n',
            "requirements.txt": REQUIREMENTS,
            "requirements.lock": LOCK,
            "Makefile": "lock:\n\t--no-emit-package torch \\\n",
            "p/_engine/DIGESTS": digests,
            "p/example_models/0001/metadata.json": json.dumps(metadata),
            "p/example_models/0001/input.json": "{}",
            "p/inferencer/newest.py": "print('p/trainer/0001')\n",
            ".venv/.installed": "",
        },
    )
    (tmp_path / ".venv" / "bin").mkdir()
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return Project(tmp_path, "p")


CHECKS = [
    machine.check_python,
    machine.check_ports,
    parts.check_engine,
    parts.check_lock,
    parts.check_model,
    parts.check_sample,
]


@pytest.mark.parametrize("check", CHECKS)
def test_where_nothing_is_wrong_nothing_is_said_to_be(project: Project, check: Callable[[Project], Finding]) -> None:
    assert check(project).problems == ()


WRONG: dict[str, tuple[Callable[[Project], Finding], dict[str, str], str]] = {
    "an old environment": (
        machine.check_python,
        {"setup.py": 'python_requires=">=3.98,<3.99"'},
        ".venv has Python 3.*, and the project needs Python 3.98 or newer, but older than Python 3.99: remove .venv",
    ),
    "an environment that does not run": (machine.check_python, {".venv/bin/python": "no program"}, "does not run"),
    "an edit": (parts.check_engine, {"p/_engine/serving/model.py": "x = 2\n"}, "you edited serving/model.py"),
    "a leftover": (parts.check_engine, {"p/_engine/old/a.py": ""}, "the template has no old/a.py"),
    "half an engine": (
        parts.check_engine,
        {"p/_engine/DIGESTS": f"{digest('')}  p/_engine/__init__.py\n{digest('')}  p/_engine/sdk/a.py\n"},
        "there is no sdk/a.py",
    ),
    "an engine of which nothing is known": (parts.check_engine, {"p/_engine/DIGESTS": ""}, "DIGESTS is missing"),
    "a newer pin": (
        parts.check_lock,
        {"requirements.txt": "pandas==3.0.0\n"},
        "asks for pandas==3.0.0, but requirements.lock has 2.3.3: run make lock",
    ),
    "a new requirement": (parts.check_lock, {"requirements.txt": "pillow\n"}, "asks for pillow, but .* has none"),
    "no lock": (parts.check_lock, {"requirements.lock": ""}, "scikit-learn==1.9.1, but requirements.lock has none"),
    "a newer model that does not answer": (
        parts.check_model,
        {"p/inferencer/newest.py": "import sys\nprint('0002 is left out: damaged', file=sys.stderr)\nprint('0001')"},
        "0002 is left out: damaged",
    ),
    "no model that answers": (
        parts.check_model,
        {"p/inferencer/newest.py": "import sys\nsys.exit('There is nothing to serve')"},
        "There is nothing to serve",
    ),
    "another version of the framework": (
        parts.check_sample,
        {"requirements.txt": "scikit-learn==2.0.0\n"},
        "made by scikit-learn 1.9.1, but requirements.txt pins 2.0.0: run make train",
    ),
    "a damaged sample": (
        parts.check_sample,
        {"p/example_models/0001/input.json": "{}\r\n"},
        "input.json is missing or damaged",
    ),
    "a sample of nothing": (
        parts.check_sample,
        {"p/example_models/0001/metadata.json": "{"},
        "metadata.json cannot be",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found(project: Project, wrong: str) -> None:
    check, change, message = WRONG[wrong]
    for name in change:
        (project.root / name).unlink(missing_ok=True)  # some are links
    write(project.root, change)
    problems = "\n".join(check(project).problems)
    assert re.search(message, problems), problems


def test_a_python_that_would_make_a_wrong_environment_is_found(project: Project) -> None:
    write(project.root, {"setup.py": 'python_requires=">=3.98,<3.99"'})
    nowhere = Project(project.root, "p", ".none")
    assert "make install PYTHON=" in machine.check_python(nowhere).problems[0]
    assert "make install" in parts.check_model(nowhere).found


@pytest.mark.parametrize("name", ["HTTP_PORT", "GRPC_PORT"])
def test_a_port_that_somebody_uses_is_found(project: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        monkeypatch.setenv(name, str(taken.getsockname()[1]))
        assert f"make serve {name}=" in machine.check_ports(project).problems[0]


def test_too_little_memory_is_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one request of the largest size; what is suggested would do."""
    monkeypatch.setattr(machine, "free_memory", lambda: 5 * 10**8)
    monkeypatch.setenv("MAX_BUFFER_SIZE", str(100 * 10**6))
    (problem,) = machine.check_memory(project).problems
    monkeypatch.setenv("MAX_BUFFER_SIZE", problem.split("MAX_BUFFER_SIZE=")[1].split(",")[0])
    assert machine.check_memory(project).problems == ()


def test_a_containers_memory_is_what_is_left_of_its_limit(tmp_path: Path) -> None:
    write(tmp_path, {"meminfo": "MemFree: 1 kB\nMemAvailable:    8000 kB\n", "group/memory.max": "5000\n"})
    write(tmp_path, {"group/memory.current": "2000\n"})
    assert machine.free_memory(tmp_path / "meminfo", tmp_path / "group") == 3000
    (tmp_path / "group" / "memory.max").write_text("max\n")
    assert machine.free_memory(tmp_path / "meminfo", tmp_path / "group") == 8000 * 1024
    assert machine.free_memory(tmp_path / "none", tmp_path / "group") is None
