"""KServe's clients, and gRPC's messages as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
import kserve
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.protocol.infer_type import RequestedOutput
from running import Server
from three_models import MANY, MODELS, NUMBERS, NUMERIC, Served, arrays, plain

pytestmark = pytest.mark.slow


def kserve_request(model: str, raw: bool) -> kserve.InferRequest:
    inputs = []
    for name, (values, datatype) in arrays(model).items():
        inputs.append(kserve.InferInput(name, list(values.shape), datatype))
        inputs[-1].set_data_from_numpy(values, binary_data=raw)
    return kserve.InferRequest(model, inputs, parameters={"binary_data_output": raw})


def over_grpc(server: Server, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
    """Ask with a client that takes answers of any size."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}", options) as channel:
        answer: pb.ModelInferResponse = GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=60)
    return answer


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("model", MODELS)
def test_a_grpc_request_is_answered_in_its_own_form(on_kserve: Served, model: str, raw: bool) -> None:
    request = kserve_request(model, raw)
    request.request_outputs = [RequestedOutput(name) for name in on_kserve.expected[model]]
    answer = over_grpc(on_kserve.server, request.to_grpc())
    assert len(answer.raw_output_contents) == (len(answer.outputs) if raw else 0)
    assert all(output.HasField("contents") is not raw for output in answer.outputs)
    for output in kserve.InferResponse.from_grpc(answer).outputs:
        assert plain(output.as_numpy()) == on_kserve.expected[model][output.name]


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("model", MODELS)
def test_kserves_clients_read_every_answer(on_kserve: Served, model: str, raw: bool) -> None:
    async def ask() -> list[kserve.InferResponse]:
        rest = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2"))
        async with kserve.InferenceGRPCClient(f"127.0.0.1:{on_kserve.server.grpc}") as client:
            answers = [await client.infer(kserve_request(model, raw))]
        if raw or model == "numbers":  # JSON has no NaN
            answers.append(await rest.infer(on_kserve.server.address, kserve_request(model, raw), model_name=model))
        await rest.close()
        return answers

    for answer in asyncio.run(ask()):
        assert plain(answer.outputs[0].as_numpy()) == on_kserve.expected[model]["predict"]


@pytest.mark.parametrize("datatype", [name for name in NUMERIC if name != "FP16"])
def test_typed_numbers_of_every_datatype_are_read(on_kserve: Served, datatype: str) -> None:
    """And nothing else that is there: contents of another datatype, or what a later protocol has. FP16 is not typed."""
    item = kserve.InferInput("input-0", [len(NUMBERS), 4], datatype, [value for row in NUMBERS for value in row])
    request = kserve.InferRequest("numbers", [item]).to_grpc()
    contents = request.inputs[0].contents
    contents.bytes_contents.append(b"12345678")
    contents.MergeFromString(b"\xfa\x01\x08" + b"12345678")  # field 31
    answer = over_grpc(on_kserve.server, request)
    assert list(answer.outputs[0].contents.int64_contents) == on_kserve.expected["numbers"]["predict"]


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "complaint"),
    [
        ("FP64", [1, 4], b"1234567", "7 bytes are not a whole number of FP64 values"),
        ("FP64", [2, 4], bytes(32), "shape [2, 4] does not hold 4 values"),
        ("FP64", [0, 4], b"", "has shape [0, 4]"),
        ("BYTES", [1], b"\x02\0\0\0a", "end in the middle of string 0"),
        ("BYTES", [1], b"\x02\0", "end in the middle of string 0"),
        ("BYTES", [1], b"\x01\0\0\0\xff", "expected UTF-8 text"),
        ("INT8", [1, 4], None, "300 out of bounds for int8"),
        ("FP16", [1, 4], None, "FP16 has no typed contents: send raw_input_contents"),
    ],
)
def test_grpc_contents_that_do_not_fit_are_an_invalid_argument(
    on_kserve: Served, datatype: str, shape: list[int], raw: bytes | None, complaint: str
) -> None:
    request = pb.ModelInferRequest(model_name="numbers")
    tensor = request.inputs.add(name="input-0", datatype=datatype, shape=shape)
    if raw is None:  # INT8 travels as 32 bits
        tensor.contents.int_contents.extend([1, 2, 3, 300])
    else:
        request.raw_input_contents.append(raw)
    with pytest.raises(grpc.RpcError) as error:
        over_grpc(on_kserve.server, request)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert complaint in error.value.details()


def counted(server: Server, status: str) -> float:
    """Requests to the model `numbers` over gRPC that were counted under a status."""
    metrics = server.client.get("/metrics").text
    line = f'inference_requests_total{{model_name="numbers",protocol="grpc",status="{status}"}} '
    return sum(float(found.removeprefix(line)) for found in metrics.splitlines() if found.startswith(line))


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
def test_grpc_sends_answers_that_are_larger_than_any_request(on_kserve: Served, raw: bool) -> None:
    request = pb.ModelInferRequest(model_name="numbers", outputs=[{"name": "predict_proba"}])
    tensor = request.inputs.add(name="input-0", datatype="INT8", shape=MANY.shape)
    if raw:
        request.raw_input_contents.append(MANY.tobytes())
    else:
        tensor.contents.int_contents.extend(MANY.ravel().tolist())
    (output,) = kserve.InferResponse.from_grpc(over_grpc(on_kserve.server, request)).outputs
    np.testing.assert_allclose(output.as_numpy(), on_kserve.many, rtol=1e-5)
    assert on_kserve.many.nbytes > 8 * 2**20


def test_a_grpc_answer_that_cannot_be_sent_is_counted_as_refused(install: Callable[[str, str], Path]) -> None:
    """Where the server is told to send less; the client reads why."""
    with Server(install("sklearn", "kserve"), "--grpc_max_send_message_length=1000", MODEL_NAME="numbers") as server:
        item = kserve.InferInput("input-0", [1000, 4], "FP64", [1.0] * 4000)
        with pytest.raises(grpc.RpcError) as error:
            over_grpc(server, kserve.InferRequest("numbers", [item]).to_grpc())
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "send fewer rows" in error.value.details()
        assert (counted(server, "OK"), counted(server, "INVALID_ARGUMENT")) == (0, 1)
