"""Promises of the repository on every SDK: models come and go by name while the server runs, none of them too early."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Server


@pytest.fixture
def root(tmp_path: Path, sample_dir: Path) -> Path:
    shutil.copytree(sample_dir, tmp_path / "first")
    return tmp_path


def test_models_are_loaded_reloaded_and_unloaded_by_name(
    start: Callable[..., Server], root: Path, model_dir: Path
) -> None:
    """Over the repository API; a load that fails says why and leaves the old model serving."""
    client = start(root).wait("first").client
    sample = (root / "first" / "input.json").read_bytes()
    assert client.post("/v2/models/first/infer", content=sample).status_code == 200

    shutil.copytree(model_dir, root / "second" / "0001")
    assert client.post("/v2/repository/models/second/load").json() == {"name": "second", "load": True}
    request = (model_dir / "input.json").read_bytes()
    assert client.post("/v2/models/second/infer", content=request).json() == {"predictions": ["leaves"]}

    shutil.rmtree(root / "first")
    shutil.copytree(model_dir, root / "first")
    assert client.post("/v2/repository/models/first/load").status_code == 200
    assert client.post("/v2/models/first/infer", content=request).json() == {"predictions": ["leaves"]}

    (root / "first" / "metadata.json").write_text("{")
    failed = client.post("/v2/repository/models/first/load")
    assert failed.status_code == 503
    assert "metadata.json cannot be read" in failed.json()["error"]
    assert client.post("/v2/repository/models/absent/load").status_code == 404
    assert client.get("/v1/models/first").status_code == 200
    assert client.post("/v2/models/first/infer", content=request).status_code == 200

    assert client.post("/v2/repository/models/second/unload").status_code == 200
    assert client.get("/v1/models/second").status_code == 404
    assert client.post("/v2/models/second/infer", content=request).status_code == 404
    assert client.post("/v2/repository/models/second/unload").status_code == 404


@pytest.mark.parametrize("address", [str, Path.as_uri])
def test_a_single_model_is_reloaded_from_its_newest_version(
    start: Callable[..., Server],
    tmp_path: Path,
    sample_dir: Path,
    model_dir: Path,
    address: Callable[[Path], str],
) -> None:
    """From a directory, and from an address."""
    shutil.copytree(sample_dir, tmp_path / "0001")
    client = start(tmp_path, MODEL_NAME="m", MODEL_DIR=address(tmp_path)).wait("m").client
    shutil.copytree(model_dir, tmp_path / "0002")
    assert client.post("/v2/repository/models/m/load").status_code == 200
    request = json.loads((model_dir / "input.json").read_text())
    assert client.post("/v1/models/m:predict", json=request).json() == {"predictions": ["leaves"]}
