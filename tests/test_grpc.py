"""What gRPC has beside predictions: health and reflection, and what an answer says of its request and its model.

How predictions over gRPC look is in other_clients; that none is lost while a server ends, in test_shutdown.py.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import kserve
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server

pytestmark = pytest.mark.slow

ROW = [5.1, 3.5, 1.4, 0.2]
SERVING, NOT_SERVING, UNKNOWN = (
    HealthCheckResponse.SERVING,
    HealthCheckResponse.NOT_SERVING,
    HealthCheckResponse.SERVICE_UNKNOWN,
)
SERVICE = "inference.GRPCInferenceService"


@pytest.fixture
def serve(install: Callable[..., Path], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Serve the models "m" and "other", each the sample in version 0001."""
    project = install("sklearn", "kserve")
    for name in ("m", "other"):
        shutil.copytree(project / "sklearnserver/example_models/0001", tmp_path / name / "0001")
    running: list[Server] = []

    def serve(*options: str) -> Server:
        running.append(Server(project, "--enable_repository_api=true", *options, MODEL_DIR=str(tmp_path)))
        return running[-1].__enter__()

    yield serve
    for server in running:
        server.__exit__()


def channel(server: Server) -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{server.grpc}")


def check(server: Server, service: str) -> Any:
    with channel(server) as open_channel:
        try:
            return HealthStub(open_channel).Check(HealthCheckRequest(service=service), timeout=30).status
        except grpc.RpcError as error:
            return error.code()


def infer(server: Server, **fields: Any) -> tuple[Any, dict[str, str]]:
    """Ask with the ID "id-1"; returns the answer, or the error, and the metadata that came with it."""
    contents = pb.InferTensorContents(fp64_contents=ROW)
    tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4], contents=contents)
    request = pb.ModelInferRequest(**{"model_name": "m", "inputs": [tensor], **fields})
    metadata = [("x-request-id", "id-1"), ("authorization", "secret")]
    with channel(server) as open_channel:
        try:
            answer, call = GRPCInferenceServiceStub(open_channel).ModelInfer.with_call(
                request, metadata=metadata, timeout=30
            )
        except grpc.RpcError as error:
            answer = call = error
    return answer, {item.key: item.value for item in (*call.initial_metadata(), *call.trailing_metadata())}


class Watched:
    """What Watch has said of a service so far, and "end" once it is over."""

    def __init__(self, server: Server, service: str) -> None:
        self.said: list[Any] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._watch, args=(server, service), daemon=True).start()

    def _watch(self, server: Server, service: str) -> None:
        with channel(server) as open_channel:
            try:
                for answer in HealthStub(open_channel).Watch(HealthCheckRequest(service=service)):
                    self._note(answer.status)
                self._note("end")
            except grpc.RpcError as error:
                self._note(error.code())

    def _note(self, status: Any) -> None:
        with self._changed:
            self.said.append(status)
            self._changed.notify_all()

    def until(self, *said: Any) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.said == [*said], timeout=30)
        assert self.said == [*said]


def test_health_follows_readiness_and_the_drain(serve: Callable[..., Server]) -> None:
    server = serve("--drain_seconds=2")
    services = ["", SERVICE, "m", "other", "absent"]
    assert [check(server, name) for name in services] == [SERVING] * 4 + [grpc.StatusCode.NOT_FOUND]
    watched = {name: Watched(server, name) for name in services}
    for name in services:
        watched[name].until(UNKNOWN if name == "absent" else SERVING)
    repository = "/v2/repository/models/other"
    assert server.client.post(f"{repository}/unload").status_code == 200
    watched["other"].until(SERVING, UNKNOWN)
    assert server.client.post(f"{repository}/load").status_code == 200
    watched["other"].until(SERVING, UNKNOWN, SERVING)
    server.process.send_signal(signal.SIGTERM)
    watched[""].until(SERVING, NOT_SERVING)
    assert [check(server, name) for name in services[:3]] == [NOT_SERVING] * 3
    assert infer(server)[0].outputs  # it goes on answering
    assert server.process.wait(30) == 0
    for name in ("", SERVICE, "m"):
        watched[name].until(SERVING, NOT_SERVING, "end")
    watched["absent"].until(UNKNOWN, "end")
    watched["other"].until(SERVING, UNKNOWN, SERVING, NOT_SERVING, "end")


def test_a_client_without_stubs_learns_the_messages_by_reflection(serve: Callable[..., Server]) -> None:
    server = serve()
    with channel(server) as open_channel:
        found = ProtoReflectionDescriptorDatabase(open_channel)
        assert {SERVICE, "grpc.health.v1.Health"} <= set(found.get_services())
        pool = DescriptorPool(found)
        method = pool.FindServiceByName(SERVICE).methods_by_name["ModelInfer"]
        request = GetMessageClass(method.input_type)(model_name="m")
        request.inputs.add(name="input-0", datatype="FP64", shape=[1, 4]).contents.fp64_contents.extend(ROW)
        call = open_channel.unary_unary(
            f"/{SERVICE}/ModelInfer",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        (output,) = call(request, timeout=30).outputs
        assert list(output.contents.int64_contents) == [0]


def test_an_answer_names_its_version_and_carries_the_requests_id(serve: Callable[..., Server]) -> None:
    server = serve()
    for version in ("", "1", "0001"):
        answer, metadata = infer(server, model_version=version)
        assert (answer.model_name, answer.model_version) == ("m", "0001")
        assert (metadata["x-request-id"], "authorization" in metadata) == ("id-1", False)

    async def ask() -> kserve.InferResponse:
        item = kserve.InferInput("input-0", [1, 4], "FP64", ROW)
        async with kserve.InferenceGRPCClient(f"127.0.0.1:{server.grpc}") as client:
            return await client.infer(kserve.InferRequest("m", [item]))

    assert asyncio.run(ask()).model_version == "0001"


def test_a_body_may_be_larger_than_any_message(serve: Callable[..., Server]) -> None:
    answer, _ = infer(serve(f"--max_buffer_size={2**31}"))
    assert answer.model_name == "m"


def test_errors_have_the_codes_of_rest(serve: Callable[..., Server]) -> None:
    """And carry the request's ID, too."""
    server = serve("--max_buffer_size=100000")
    wrong = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 3])
    for fields, code in (
        ({"model_name": "absent"}, grpc.StatusCode.NOT_FOUND),
        ({"model_version": "7"}, grpc.StatusCode.NOT_FOUND),
        ({"inputs": [wrong]}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"inputs": []}, grpc.StatusCode.INVALID_ARGUMENT),
    ):
        error, metadata = infer(server, **fields)
        assert (error.code(), metadata["x-request-id"]) == (code, "id-1")
    error, _ = infer(server, raw_input_contents=[bytes(200_000)])
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
