"""`make install` and `make doctor`: the environment is what the lock says, and what is wrong with it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import SDKS
from needed import needed_python
from running import free_port, shell

pytestmark = pytest.mark.slow

#: Prints each package of the lock, with its version there and the installed one, where they differ.
COMPARE = """
import json, re
from importlib.metadata import PackageNotFoundError, version
from pip._vendor.packaging.requirements import Requirement

def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "0"

lines = re.findall(r"^([a-z0-9][^\\\\\\n]*)", open("requirements.lock").read(), re.MULTILINE)
locked = [Requirement(line) for line in lines]
wanted = [item for item in locked if item.marker is None or item.marker.evaluate()]
assert len(wanted) > 50
differing = [item for item in wanted if installed(item.name) not in item.specifier]
print(json.dumps([f"{item} is {installed(item.name)}" for item in differing]))
"""


def differing(project: Path) -> list[str]:
    """Packages that are not as locked."""
    found: list[str] = json.loads(shell(project, f".venv/bin/python - <<'END'\n{COMPARE}\nEND"))
    return found


@pytest.mark.parametrize("sdk", SDKS)
def test_the_environment_is_what_the_lock_says(install: Callable[[str, str], Path], sdk: str) -> None:
    assert differing(install("sklearn", sdk)) == []


@pytest.mark.release
def test_it_is_with_pip_too(bake: Callable[..., Path]) -> None:
    """Which knows nothing of the newer psutil that uv is told of."""
    project = bake("sklearn")
    shell(project, "make install INSTALL='.venv/bin/python -m pip install'")
    assert differing(project) == []


def test_a_new_lock_is_installed(install: Callable[[str, str], Path], bake: Callable[..., Path]) -> None:
    """By the next target that needs the environment."""
    project = bake("sklearn")
    (project / ".venv").symlink_to(install("sklearn", "kserve") / ".venv")
    (project / "requirements.lock").touch()
    assert "requirements.lock" in shell(project, "make --dry-run serve")


def test_what_the_lock_does_not_have_is_said(install: Callable[[str, str], Path], bake: Callable[..., Path]) -> None:
    """What it has is put back, so an edit of requirements.txt alone would be without effect, and without a word."""
    project = bake("sklearn")
    (project / ".venv").symlink_to(install("sklearn", "kserve") / ".venv")
    text = (project / "requirements.txt").read_text()
    for edited, said in {text: "", text.replace("numpy", "#numpy") + "numpy==2.0.0\n": "numpy==2.0.0"}.items():
        (project / "requirements.txt").write_text(edited)
        # Nothing is installed here: the environment is shared.
        printed = shell(project, "make install INSTALL=true", PYTHONPATH=str(project))
        lines = [line for line in printed.splitlines() if line.startswith("WRONG")]
        assert len(lines) == bool(said)
        assert all(f"requirements.txt asks for {said}, but requirements.lock has " in line for line in lines)


def test_the_doctor_finds_nothing_where_nothing_is_wrong(install: Callable[[str, str], Path]) -> None:
    command = f"make doctor HTTP_PORT={free_port()} GRPC_PORT={free_port()}"
    said = shell(install("sklearn", "kserve"), command, MAX_BUFFER_SIZE="1000")
    assert [line.split()[0] for line in said.splitlines()] == ["ok"] * 7


@pytest.mark.parametrize("version", [f"3.{minor}" for minor in range(8, 14)])
def test_the_doctor_runs_before_anything_is_installed(bake: Callable[..., Path], version: str) -> None:
    """With any Python and its standard library alone, also one that the project does not run on; in one screen."""
    python = needed_python(version)
    project = bake("sklearn")
    command = (
        f"make --silent doctor PYTHON='{python} -S' HTTP_PORT={free_port()} GRPC_PORT={free_port()} || echo failed"
    )
    said = shell(project, command, MAX_BUFFER_SIZE="1000")
    wrong = [line for line in said.splitlines() if line.startswith("WRONG")]
    fits = version in SDKS["kserve"]["pythons"]
    assert [line.split()[1] for line in wrong] == ([] if fits else ["Python"])
    assert ("failed" in said) != fits
    assert len(said.splitlines()) < 24
