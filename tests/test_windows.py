"""What a Windows machine would come upon: line ends of a checkout, modules and calls that only POSIX has, separators.

Windows itself is not here: git makes the checkout that it would make there, and what Windows lacks is taken away.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import SDKS, TEMPLATE
from running import Server, shell
from test_bake import files

#: Imports all modules of a package, tests included, and then once more as on Windows: its own modules find the platform
#: "win32" and no module that only POSIX has. What others imported before is left alone.
IMPORT_AS_ON_WINDOWS = """
import builtins, importlib, importlib.util, pkgutil, sys, types

PACKAGE = "sklearnserver"
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop"}

def import_all():
    found = [PACKAGE, *(module.name for module in pkgutil.walk_packages([PACKAGE], PACKAGE + "."))]
    # locust runs the load test, in an environment of its own.
    return [importlib.import_module(name) for name in found if not name.endswith((".__main__", ".loadtest"))]

def import_with_care(name, globals=None, *rest):
    if name.partition(".")[0] in POSIX and str((globals or {}).get("__package__")).startswith(PACKAGE):
        raise ModuleNotFoundError(f"Windows has no {name}: {globals['__name__']}")
    return import_module(name, globals, *rest)

sys.path.insert(0, "")
measured = importlib.util.find_spec("kserve")
if measured:
    import kserve.metrics
    from prometheus_client import REGISTRY
    others = dict(REGISTRY._collector_to_names), dict(REGISTRY._names_to_collectors)
import_all()
for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
    del sys.modules[name]
if measured:
    REGISTRY._collector_to_names, REGISTRY._names_to_collectors = others  # the package's own come once more
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
import_module, builtins.__import__ = builtins.__import__, import_with_care
sys.platform = "win32"
print(len(import_all()))
"""

#: Takes from a server what Windows lacks, when Python starts.
SITE = """
import asyncio
import sys

sys.modules["uvloop"] = None
asyncio.SelectorEventLoop.add_signal_handler = asyncio.AbstractEventLoop.add_signal_handler
"""


def check_out(source: Path, target: Path, names: set[str]) -> Path:
    """Commit some files of a folder, and clone them as git for Windows does."""
    repository = target.with_name(f"{target.name}-repository")
    for name in names:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, repository / name)
    commit = "git -c user.name=me -c user.email=me@example.com commit --quiet --message all"
    shell(repository, f"git init --quiet; git add --all --force; {commit}")
    shell(repository, f"git -c core.autocrlf=true -c core.eol=crlf clone --quiet . '{target}'")
    return target


def differing(folder: Path, other: Path, names: set[str]) -> list[str]:
    return [name for name in sorted(names) if (folder / name).read_bytes() != (other / name).read_bytes()]


def test_a_checkout_of_the_template_is_the_template(tmp_path: Path) -> None:
    """Byte for byte, so that what is generated from it is what all other tests test."""
    local = {".git", ".venv", ".demo", ".bench", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
    names = {name for name in files(TEMPLATE) if not local.intersection(Path(name).parts)}
    assert differing(TEMPLATE, check_out(TEMPLATE, tmp_path / "template", names), names) == []


def test_a_checkout_of_a_project_is_the_project(project: Path, tmp_path: Path) -> None:
    """Byte for byte, with a trained model that somebody committed."""
    mine = tmp_path / project.name
    shutil.copytree(project, mine)
    package = mine / f"{project.name}server"
    shutil.copytree(package / "example_models" / "0001", package / "trainer" / "0001")
    names = files(mine)
    assert differing(mine, check_out(mine, tmp_path / "checkout", names), names) == []


@pytest.mark.slow
@pytest.mark.parametrize("sdk", SDKS)
def test_nothing_is_used_that_windows_lacks(install: Callable[[str, str], Path], sdk: str) -> None:
    """Checked by the types of Windows' standard library, and by importing each module."""
    project = install("sklearn", sdk)
    assert "Success" in shell(project, ".venv/bin/mypy --platform win32 sklearnserver")
    assert int(shell(project, f".venv/bin/python -W ignore - <<'END'\n{IMPORT_AS_ON_WINDOWS}\nEND")) > 50


@pytest.mark.slow
@pytest.mark.parametrize("sdk", SDKS)
def test_a_server_serves_and_ends_in_order_with_asyncio_alone(
    install: Callable[[str, str], Path], sdk: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITE)
    with Server(install("sklearn", sdk), PYTHONPATH=str(tmp_path)) as server:
        assert server.client.post("/v1/models/m:predict", json={"instances": [[5.0, 3.4, 1.4, 0.2]]}).json() == {
            "predictions": [0]
        }
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
