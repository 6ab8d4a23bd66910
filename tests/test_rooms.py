"""The engine's structure: imports point down only, and no module or function is too large to read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from facts import ENGINE, SDKS, VARIANTS

#: Which rooms each room may import from, besides itself.
BELOW = {
    "contract": set(),
    "doctor": set(),
    "licences": set(),
    "manifests": set(),
    "rollout": {"manifests"},
    # Reads what a server was asked, as it reads it.
    "payloads": {"manifests", "protocol"},
    "pushing": {"artifact", "contract", "manifests"},
    "updating": set(),
    "artifact": {"contract", "drift"},
    "tables": {"contract"},
    "protocol": {"contract"},
    "drift": {"contract"},
    # Makes files of numbers, and knows no training: so that a report can be made of anything that was evaluated.
    "reporting": {"contract", "artifact", "drift"},
    # Reads rows as the server does, and its refusals are the server's.
    "scoring": {"contract", "artifact", "tables", "protocol"},
    "training": {"contract", "artifact", "tables", "drift", "reporting"},
    "serving": {"contract", "artifact", "drift", "protocol"},
    "sdk": {"contract", "artifact", "protocol", "serving"},
}
FILES = sorted(ENGINE.rglob("*.py")) + [
    path for sdk in SDKS for path in sorted((VARIANTS / "sdks" / sdk / "_engine").rglob("*.py"))
]


def room_of(path: Path) -> str:
    return path.parts[path.parts.index("_engine") + 1 :][0]


def imported(path: Path) -> set[str]:
    """The rooms that a module imports from by relative imports, and "outside" where one leaves the engine."""
    inside = path.parts[path.parts.index("_engine") + 1 :]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = list(inside[:-1])
            up = node.level - 1
            if up > len(base):
                found.add("outside")
                continue
            target = base[: len(base) - up] + (node.module.split(".") if node.module else [])
            found |= {target[0]} if target else {alias.name for alias in node.names}
    return found


def test_the_engine_has_the_rooms_that_are_listed() -> None:
    assert {room_of(path) for path in FILES if path.name != "__init__.py"} == set(BELOW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[path.parts.index("_engine") - 1 :]))
def test_imports_point_down_only(path: Path) -> None:
    room = room_of(path)
    allowed = BELOW[room] | {room} if room in BELOW else set()
    assert imported(path) <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[path.parts.index("_engine") - 1 :]))
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 250
    assert ast.get_docstring(ast.parse(source))
