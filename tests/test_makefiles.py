"""Both Makefiles, the template's and a project's: the environment changes nothing, and a wrong Python is said."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import SDKS, TEMPLATE, find_python, pins
from running import free_port


def settings(makefile: Path) -> list[str]:
    """The names that are set, and those that are read though nothing sets them; pip's own are meant for it."""
    text = makefile.read_text()
    found = set(re.findall(r"^([A-Z_]+) *[?:]?=", text, re.MULTILINE)) | set(re.findall(r"\$\(([A-Z_]+)\)", text))
    return sorted(found - {"HOME", "CURDIR", "MAKEFILE_LIST", "PIP_EXTRA_INDEX_URL", "VERIFY_KEY"})


def commands(folder: Path, *words: str, **environment: str) -> str:
    """What make would run for all of its targets."""
    targets = re.findall(r"^([a-z-]+):", (folder / "Makefile").read_text(), re.MULTILINE)
    command = ["make", "--dry-run", "--always-make", "--keep-going", *targets, "A=1", "B=2", "FILE=3", *words]
    variables = {**os.environ, **environment}
    run = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture(params=["template", *SDKS])
def folder(request: pytest.FixtureRequest, bake: Callable[..., Path]) -> Path:
    """A folder with a Makefile."""
    return TEMPLATE if request.param == "template" else bake("sklearn", serving_sdk=request.param)


def test_what_the_environment_calls_by_the_same_names_changes_nothing(folder: Path) -> None:
    """HOST, IMAGE, PYTHON and all others. On make's command line each of them counts."""
    names = settings(folder / "Makefile")
    assert {"PYTHON", "ARGS", "VENV"} <= set(names)
    expected = commands(folder)
    assert commands(folder, **{name: "nonsense" for name in names if name not in ("A", "B")}) == expected
    given = {"HOST", "IMAGE", "PYTHON", "ARGS", "DEMO"} & set(names)
    printed = commands(folder, *(f"{name}=mine-{name}" for name in given))
    assert all(f"mine-{name}" in printed for name in given)


@pytest.mark.parametrize("sdk", SDKS)
def test_any_python_that_the_project_runs_on_is_found(bake: Callable[..., Path], tmp_path: Path, sdk: str) -> None:
    """Where the one that was chosen is not there, or does not run, as pyenv has it."""
    chosen, other = pins("sklearn", sdk)["pythons"][:2]
    project = bake("sklearn", serving_sdk=sdk, python_version=chosen)
    (tmp_path / f"python{chosen}").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / f"python{other}").write_text("#!/bin/sh\n")
    for python in tmp_path.iterdir():
        python.chmod(0o755)
    command = [str(shutil.which("make")), "--eval=found: ; @: && echo $(PYTHON)", "found"]
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    run = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == f"{tmp_path}/python{other}\n"


@pytest.mark.parametrize("sdk", SDKS)
def test_an_environment_of_another_python_is_made_anew(bake: Callable[..., Path], sdk: str) -> None:
    """And one of a right Python stays."""
    project = bake("sklearn", serving_sdk=sdk)
    right = pins("sklearn", sdk)["pythons"]
    wrong = other_than(right)
    subprocess.run([wrong, "-m", "venv", "--without-pip", ".venv"], cwd=project, check=True)
    python = next(filter(None, map(find_python, right)))
    for marker in ("", "mine"):
        (project / ".venv" / "marker").write_text(marker)
        install(project, f"PYTHON={python}", "--always-make")
        assert version(str(project / ".venv" / "bin" / "python")) in right
        assert (project / ".venv" / "marker").exists() == bool(marker)


@pytest.mark.parametrize("sdk", SDKS)
def test_a_wrong_python_is_one_sentence_that_names_right_ones(bake: Callable[..., Path], sdk: str) -> None:
    project = bake("sklearn", serving_sdk=sdk)
    right = pins("sklearn", sdk)["pythons"]
    wrong = other_than(right)
    run = install(project, f"PYTHON={wrong}")
    assert run.returncode != 0
    said = [line for line in run.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1 and f"the project runs on Python {', '.join(right)}." in said[0]
    assert not (project / ".venv").exists()


def install(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`make install`, but for the downloads."""
    command = ["make", "install", "INSTALL=true", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def other_than(versions: list[str]) -> str:
    """A Python of this machine that is none of these versions."""
    found = map(find_python, ("3.10", "3.9", "3.11", "3.12"))
    return next(python for python in found if python and version(python) not in versions)


def version(python: str) -> str:
    program = "import sys; print(*sys.version_info[:2], sep='.')"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("sdk", SDKS)
def test_who_asks_before_there_is_a_server_is_told_how_to_start_one(bake: Callable[..., Path], sdk: str) -> None:
    command = ["make", "predict", "INPUT=input.json", f"HOST=localhost:{free_port()}"]
    run = subprocess.run(command, cwd=bake("sklearn", serving_sdk=sdk), capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "start a server with make serve" in run.stderr
