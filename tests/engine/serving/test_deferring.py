"""Imports that wait: what is the same about a package, and what is not imported."""

from __future__ import annotations

import gc
import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _engine.serving.deferring import import_without

FILES = {
    "__init__.py": "from .client import Client\nfrom .kinds.one import One\nfrom . import kinds, tables\n",
    "client.py": "import {name}_heavy\nclass Client:\n    made = {name}_heavy.answer\n",
    "kinds/__init__.py": "from .one import One\n",
    "kinds/one.py": "class One:\n    pass\n",
    "tables.py": """
import gc
import {name}_heavy as heavy
collects = gc.isenabled()
def made(x: heavy.Thing) -> 'int':
    return heavy.answer
""",
}
_NUMBERS = itertools.count()


@pytest.fixture()
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package that imports more than it needs."""
    name = f"waits{next(_NUMBERS)}"
    for path, text in FILES.items():
        (tmp_path / name / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name / path).write_text(text.replace("{name}", name))
    (tmp_path / f"{name}_heavy.py").write_text("answer = 42\nclass Thing:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]


def imported(name: str) -> set[str]:
    return {module[len(name) :] for module in sys.modules if module.startswith(name)}


def without(name: str) -> Any:
    import_without(name, f"{name}.client", f"{name}.kinds", f"{name}_heavy")
    return sys.modules[name]


def test_what_waits_is_not_imported(name: str) -> None:
    without(name)
    assert imported(name) == {"", ".tables"}
    assert not [finder for finder in sys.meta_path if type(finder).__module__.endswith("deferring")]


def test_what_waits_is_there_once_it_is_used(name: str) -> None:
    package = without(name)
    assert package.tables.made(None) == 42
    assert imported(name) == {"", ".tables", "_heavy"}
    assert package.Client.made == 42
    assert package.Client is importlib.import_module(f"{name}.client").Client
    assert package.One is package.kinds.One is importlib.import_module(f"{name}.kinds.one").One
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        package.other  # noqa: B018


def test_garbage_is_collected_afterwards_and_not_meanwhile(name: str) -> None:
    assert gc.isenabled()
    assert not without(name).tables.collects
    assert gc.isenabled()


def test_what_is_imported_already_stays(name: str) -> None:
    before = importlib.import_module(name)
    assert without(name) is before and before.tables.heavy is sys.modules[f"{name}_heavy"]
    assert imported(name) == {"", ".client", ".kinds", ".kinds.one", ".tables", "_heavy"}


def test_a_package_that_cannot_be_imported_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    with (tmp_path / name / "__init__.py").open("a") as file:
        file.write("raise ValueError\n")
    with pytest.raises(ValueError):
        without(name)
    assert not imported(name) & {".client", ".kinds", "_heavy"}
    assert importlib.import_module(f"{name}_heavy").answer == 42
