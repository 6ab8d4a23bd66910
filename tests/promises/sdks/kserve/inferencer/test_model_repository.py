"""Promises of the repository: models come and go by name while the server runs, and none goes too early."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2 import RepositoryModelLoadRequest, RepositoryModelUnloadRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from .conftest import Server


@pytest.fixture
def root(tmp_path: Path, sample_dir: Path) -> Path:
    shutil.copytree(sample_dir, tmp_path / "first")
    return tmp_path


def test_models_are_loaded_reloaded_and_unloaded_by_name(
    start: Callable[..., Server], root: Path, model_dir: Path
) -> None:
    """Over the V2 repository API; a load that fails says why and leaves the old model serving."""
    client = start(root).wait("first").client
    sample = (root / "first" / "input.json").read_bytes()
    assert client.post("/v2/models/first/infer", content=sample).status_code == 200

    shutil.copytree(model_dir, root / "second" / "0001")
    assert client.post("/v2/repository/models/second/load").status_code == 200
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
    assert client.get("/v2/models/first/ready").status_code == 200
    assert client.post("/v2/models/first/infer", content=request).status_code == 200

    assert client.post("/v2/repository/models/second/unload").status_code == 200
    assert client.get("/v2/models/second/ready").status_code == 404
    assert client.post("/v2/models/second/infer", content=request).status_code == 404
    assert client.post("/v2/repository/models/second/unload").status_code == 404


def test_models_are_loaded_and_unloaded_over_grpc(start: Callable[..., Server], root: Path, model_dir: Path) -> None:
    server = start(root).wait("first")
    shutil.copytree(model_dir, root / "second")
    (root / "broken").mkdir()
    (root / "broken" / "metadata.json").write_text("{")

    async def main() -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            await stub.RepositoryModelLoad(RepositoryModelLoadRequest(model_name="second"))
            assert server.client.get("/v2/models/second/ready").status_code == 200
            await stub.RepositoryModelUnload(RepositoryModelUnloadRequest(model_name="second"))
            assert server.client.get("/v2/models/second/ready").status_code == 404
            for name, code, reason in (
                ("absent", grpc.StatusCode.NOT_FOUND, "there is no model 'absent'"),
                ("broken", grpc.StatusCode.UNAVAILABLE, "metadata.json cannot be read"),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await stub.RepositoryModelLoad(RepositoryModelLoadRequest(model_name=name))
                assert error.value.code() == code
                assert reason in error.value.details()

    asyncio.run(main())


def test_a_single_model_is_reloaded_from_its_newest_version(
    start: Callable[..., Server], tmp_path: Path, sample_dir: Path, model_dir: Path
) -> None:
    shutil.copytree(sample_dir, tmp_path / "0001")
    client = start(tmp_path, MODEL_NAME="m").wait("m").client
    shutil.copytree(model_dir, tmp_path / "0002")
    assert client.post("/v2/repository/models/m/load").status_code == 200
    request = json.loads((model_dir / "input.json").read_text())
    assert client.post("/v1/models/m:predict", json=request).json() == {"predictions": ["leaves"]}
