"""The servers that are asked, and Triton's client, which runs in a process of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from facts import SDKS
from three_models import Served, serve_models
from triton_client import Answer, process


@pytest.fixture(scope="package")
def serve(
    install: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Served]]:
    """Serve the models on an SDK, once for all files of this folder."""
    running: dict[str, Served] = {}

    def serve(sdk: str) -> Served:
        if sdk not in running:
            running[sdk] = serve_models(install("sklearn", sdk), tmp_path_factory.mktemp(sdk))
        return running[sdk]

    yield serve
    for served in running.values():
        served.server.__exit__()


@pytest.fixture
def on_kserve(serve: Callable[[str], Served]) -> Served:
    return serve("kserve")


@pytest.fixture(params=SDKS)
def on_any(serve: Callable[[str], Served], request: pytest.FixtureRequest) -> Served:
    return serve(request.param)


@pytest.fixture(scope="package")
def triton() -> Iterator[Callable[..., Answer]]:
    """Triton's client: what asks takes the arguments of `triton_client.infer`."""
    with process() as ask:
        yield ask


@pytest.fixture(params=["kserve-grpc", "kserve-http", "kfserving-http"])
def ask(
    serve: Callable[[str], Served], triton: Callable[..., Answer], request: pytest.FixtureRequest
) -> tuple[Callable[..., Answer], Served]:
    """Triton's client of each protocol that an SDK has, and the server that it asks."""
    sdk, over = request.param.split("-")
    served = serve(sdk)
    port = served.server.grpc if over == "grpc" else served.server.http
    return functools.partial(triton, over, port), served
