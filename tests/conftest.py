"""What the template's tests share: projects, baked once per session."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from buckets import Store, running_store
from cookiecutter.main import cookiecutter
from facts import FLAVOURS, QUIET, TEMPLATE, find_links, pins
from needed import needed, needed_python
from playwright.sync_api import Browser, sync_playwright
from running import shell
from xdist.scheduler import LoadScopeScheduling

# Settings of the machine, or of the make that runs these tests, must not reach generated Makefiles and servers.
for name in list(os.environ):
    if name.startswith(("MAKE", "MFLAGS", "MODEL_", "TRAIN_")) or name in {
        "ARGS",
        "DEVICE",
        "HTTP_PORT",
        "GRPC_PORT",
        "HOST",
        "VENV",
        "PYTHONDONTWRITEBYTECODE",  # servers would compile all that they import at each start
        *QUIET,  # projects have to be quiet by themselves
    }:
        del os.environ[name]

# Wheels at hand come before an index that this machine may not reach.
if find_links():
    os.environ.setdefault("PIP_EXTRA_INDEX_URL", "")
    os.environ.setdefault("UV_FIND_LINKS", find_links())

# Test processes share the cores already: threads of each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The generated Makefiles install with uv where there is one, and the template's environment has it.
os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Keep together what shares an installed environment or the engine; xdist's groups need an older pytest."""

    class ByEnvironment(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, _, test = nodeid.partition("::")
            return (file.endswith("test_journey.py") and test.partition("[")[2]) or file

    return ByEnvironment(config, log)


#: These run in generated projects, where what they import is.
collect_ignore = ["promises"]


@pytest.fixture(scope="session")
def bake(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Generate a project in an empty folder, as the command line does, and return it."""

    def bake(framework: str, **answers: str) -> Path:
        folder = tmp_path_factory.mktemp("bake")
        context = {"framework_nm": framework, **answers}
        return Path(cookiecutter(str(TEMPLATE), no_input=True, extra_context=context, output_dir=str(folder)))

    return bake


@pytest.fixture(scope="session")
def install(bake: Callable[..., Path]) -> Callable[[str, str], Path]:
    """Make an installed project of a framework and an SDK, one per session. Not to be changed."""

    @functools.cache
    def install(framework: str = "sklearn", sdk: str = "kserve") -> Path:
        python = pins(framework, sdk)["pythons"][0]
        if sdk == "kfserving":
            needed_python(python)
        project = bake(framework, serving_sdk=sdk)
        shell(project, "make install")
        return project

    return install


@pytest.fixture(scope="module")
def environment(bake: Callable[..., Path]) -> Path:
    """One installed environment for all projects of a module, which differ in their code only (`borrow`)."""
    project = bake("sklearn")
    shell(project, "make install")
    return project / ".venv"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser, without a window. It is no longer there for other modules: Playwright has an event loop running,
    beside which no other one runs.
    """
    program = needed("chromium-headless-shell", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=FLAVOURS, ids="-".join)
def flavour(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each framework with each SDK that it runs beside."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(scope="session")
def project(flavour: tuple[str, str], bake: Callable[..., Path]) -> Path:
    """A project of each flavour, with the default answers. Not to be changed."""
    framework, sdk = flavour
    return bake(framework, serving_sdk=sdk)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A bucket of a store that speaks S3."""
    with running_store() as store:
        yield store
