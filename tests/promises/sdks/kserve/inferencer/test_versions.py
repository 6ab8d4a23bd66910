"""Promises of versions and of what says what there is: metadata, the repository's index, readiness."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from ...trainer.model import MyModel
from .conftest import Server


@pytest.fixture(scope="module")
def served(
    start: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory, sample_dir: Path, model_dir: Path
) -> Server:
    """The second of two versions of "m", and half of a third; and a model without versions."""
    root = tmp_path_factory.mktemp("versions")
    for name in ("m/0001", "m/0002", "plain"):
        shutil.copytree(sample_dir, root / name)
    (root / "m" / "0003").mkdir()
    return start(root).wait("m")


def ask(server: Server, call: str, message: Any) -> Any:
    async def main() -> Any:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
            return await getattr(GRPCInferenceServiceStub(channel), call)(message)

    return asyncio.run(main())


@pytest.mark.parametrize(("version", "status"), [("2", 200), ("0002", 200), ("1", 404), ("0003", 404), ("x", 404)])
def test_versioned_paths_answer_for_the_version_that_is_served(
    served: Server, sample_dir: Path, version: str, status: int
) -> None:
    start = f"/v2/models/m/versions/{version}"
    body = (sample_dir / "input.json").read_bytes()
    answers = [served.client.get(start), served.client.get(f"{start}/ready")]
    answers.append(served.client.post(f"{start}/infer", content=body))
    assert [answer.status_code for answer in answers] == [status] * 3
    if status == 404:
        assert {answer.json()["error"] for answer in answers} == {
            f"Model m has no version {version!r} that is served: 0002 is."
        }
    else:
        assert answers[2].json() == {"predictions": [0]}


def test_a_model_without_versions_says_so(served: Server) -> None:
    answer = served.client.get("/v2/models/plain/versions/1/ready")
    assert answer.status_code == 404
    assert "it has none" in answer.json()["error"]
    assert served.client.get("/v2/models/absent/versions/1/ready").status_code == 404
    assert "versions" not in served.client.get("/v2/models/plain").json()


@pytest.mark.parametrize("version", ["", "2", "1"])
def test_versions_over_grpc_are_those_of_rest(served: Server, sample_dir: Path, version: str) -> None:
    (row,) = MyModel(dirpath=sample_dir).example.tolist()
    infer = pb.ModelInferRequest(model_name="m", model_version=version)
    tensor = infer.inputs.add(name="input-0", datatype="FP64", shape=[1, len(row)])
    tensor.contents.fp64_contents.extend(row)
    calls: list[tuple[str, Any]] = [
        ("ModelReady", pb.ModelReadyRequest(name="m", version=version)),
        ("ModelMetadata", pb.ModelMetadataRequest(name="m", version=version)),
        ("ModelInfer", infer),
    ]
    for call, message in calls:
        if version == "1":
            with pytest.raises(grpc.aio.AioRpcError) as error:
                ask(served, call, message)
            assert error.value.code() == grpc.StatusCode.NOT_FOUND
            assert "0002 is" in error.value.details()
        else:
            answer = ask(served, call, message)
            assert call != "ModelMetadata" or list(answer.versions) == ["0001", "0002"]


def test_the_metadata_says_which_versions_there_are_and_what_probabilities_are_of(
    served: Server, sample_dir: Path
) -> None:
    metadata = served.client.get("/v2/models/m").json()
    assert metadata["versions"] == ["0001", "0002"]
    labels = MyModel(dirpath=sample_dir).labels
    assert labels is not None
    proba = [output for output in metadata["outputs"] if output["name"] == "predict_proba"]
    assert [output["parameters"] for output in proba] == [{"labels": labels.tolist()}]


def test_the_index_says_of_each_version_whether_it_is_served(served: Server) -> None:
    expected: list[dict[str, str]] = [
        {"name": "m", "version": "0001", "state": "UNAVAILABLE", "reason": "version 0002 is served"},
        {"name": "m", "version": "0002", "state": "READY"},
        {"name": "plain", "state": "READY"},
    ]
    assert served.client.post("/v2/repository/index").json() == expected
    assert served.client.post("/v2/repository/index", json={"ready": True}).json() == expected[1:]
    assert served.client.post("/v2/repository/index", json={"ready": 1}).status_code == 400
    assert served.client.post("/v2/repository/index", content=b"{").status_code == 400


def test_extensions_are_those_that_are_there(served: Server, start: Callable[..., Server], sample_dir: Path) -> None:
    extensions = served.client.get("/v2").json()["extensions"]
    assert extensions == ["binary_tensor_data", "model_repository", "model_repository_extension"]
    without = start(sample_dir, MODEL_NAME="m", ENABLE_REPOSITORY_API="false").wait("m")
    assert without.client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert without.client.post("/v2/repository/index").status_code >= 400


def test_a_server_that_may_have_no_model_is_ready_without_one(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(tmp_path, ALLOW_NO_MODELS="true")
    while True:
        try:
            ready = server.client.get("/v2/health/ready")
            break
        except httpx.TransportError:
            assert server.process.poll() is None
    assert ready.status_code == 200
    assert server.client.post("/v2/repository/index").json() == []
