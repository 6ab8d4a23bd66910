"""The projects whose manifests are looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from facts import FRAMEWORKS
from manifest_sets import SETS, Manifest, manifests


@pytest.fixture(scope="session", params=["sklearn", max(FRAMEWORKS, key=len)])
def project(request: pytest.FixtureRequest, bake: Callable[..., Path]) -> Path:
    """Projects for KServe: of a framework, manifests have the name alone. KFServing's one has a section of its own."""
    return bake(request.param)


@pytest.fixture(scope="session")
def plain(bake: Callable[..., Path]) -> Path:
    """One project for KServe, with the default answers."""
    return bake("sklearn")


@pytest.fixture(params=SETS)
def rendered(request: pytest.FixtureRequest, project: Path) -> list[Manifest]:
    return manifests(project, request.param)
