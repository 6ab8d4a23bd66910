"""Promises of the repository on KServe: models come and go over gRPC, too."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2 import RepositoryModelLoadRequest, RepositoryModelUnloadRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from .conftest import Server


def test_models_are_loaded_and_unloaded_over_grpc(
    start: Callable[..., Server], tmp_path: Path, sample_dir: Path, model_dir: Path
) -> None:
    shutil.copytree(sample_dir, tmp_path / "first")
    server = start(tmp_path).wait("first")
    shutil.copytree(model_dir, tmp_path / "second")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "metadata.json").write_text("{")

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
