"""Promises of the repository: models come and go by name while the server runs, and none goes too early."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from .conftest import Server


def test_models_are_loaded_reloaded_and_unloaded_by_name(
    start: Callable[..., Server], tmp_path: Path, sample_dir: Path, model_dir: Path
) -> None:
    """Over the repository API; a load that fails says why and leaves the old model serving."""
    shutil.copytree(sample_dir, tmp_path / "first")
    client = start(tmp_path).wait("first").client
    sample = (sample_dir / "input.json").read_bytes()
    assert client.post("/v2/models/first/infer", content=sample).status_code == 200

    shutil.copytree(model_dir, tmp_path / "second" / "0001")
    assert client.post("/v2/repository/models/second/load").json() == {"name": "second", "load": True}
    request = (model_dir / "input.json").read_bytes()
    assert client.post("/v2/models/second/infer", content=request).json() == {"predictions": ["leaves"]}

    (tmp_path / "first" / "metadata.json").write_text("{")
    failed = client.post("/v2/repository/models/first/load")
    assert failed.status_code == 503
    assert "metadata.json cannot be read" in failed.json()["error"]
    assert client.post("/v2/models/first/infer", content=sample).status_code == 200
    assert client.post("/v2/repository/models/absent/load").status_code == 404

    assert client.post("/v2/repository/models/second/unload").status_code == 200
    assert client.get("/v1/models/second").status_code == 404
    assert client.post("/v2/models/second/infer", content=request).status_code == 404
    assert client.post("/v2/repository/models/second/unload").status_code == 404


def test_a_single_model_is_reloaded_from_its_newest_version(
    start: Callable[..., Server], tmp_path: Path, sample_dir: Path, model_dir: Path
) -> None:
    """And from an address as from a directory."""
    shutil.copytree(sample_dir, tmp_path / "0001")
    client = start(tmp_path, MODEL_NAME="m", MODEL_DIR=tmp_path.as_uri()).wait("m").client
    shutil.copytree(model_dir, tmp_path / "0002")
    assert client.post("/v2/repository/models/m/load").status_code == 200
    request = json.loads((model_dir / "input.json").read_text())
    assert client.post("/v1/models/m:predict", json=request).json() == {"predictions": ["leaves"]}


def test_an_address_where_nothing_is_stops_the_start(start: Callable[..., Server], tmp_path: Path) -> None:
    """KFServing itself would serve an empty directory."""
    server = start(tmp_path, MODEL_NAME="m", MODEL_DIR=tmp_path.as_uri())
    server.process.wait(60)
    assert server.stop() == 1
    assert "there is no model: expected metadata.json in it" in server.errors.splitlines()[-1]
