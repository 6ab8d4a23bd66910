"""Promises of gRPC's messages: an answer's tensors arrive bit for bit, whatever their datatype, typed or raw."""

from __future__ import annotations

import numpy as np
import pytest
from kserve import InferResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelInferResponse

from ..._engine.protocol.answers import Output
from ..._engine.sdk.messages import to_grpc

WHOLE = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
#: NaN with bits of its own, infinities, both zeros, the smallest and the largest. Python makes a NaN of 32 bits quiet.
ODD = {
    "float16": [0x7E01, 0x7C00, 0xFC00, 0x0000, 0x8000, 0x0001, 0x7BFF],
    "float32": [0x7FC00123, 0xFFC00001, 0x7F800000, 0xFF800000, 0x80000000, 0x00000001, 0x7F7FFFFF],
    "float64": [0x7FF4000000000001, 0xFFF8000000000001, 0x7FF0000000000000, 2**63, 1, 0x7FEFFFFFFFFFFFFF],
}
VALUES = {
    **{name: np.array([np.iinfo(name).min, 0, 1, np.iinfo(name).max], name) for name in WHOLE},
    **{name: np.array(bits, f"uint{name[5:]}").view(name) for name, bits in ODD.items()},
    "bool": np.array([True, False, True]),
    "text": np.array(["", "não & mais", "<b>", "x" * 300], dtype=object),
}


def forms(values: np.ndarray) -> dict[str, np.ndarray]:
    """The values in a row, as columns that do not lie one after the other, and many times over."""
    return {"flat": values, "columns": np.stack([values, values[::-1]], axis=1)[:, ::-1], "many": np.tile(values, 5000)}


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("name", VALUES)
def test_tensors_of_an_answer_arrive_bit_for_bit(name: str, raw: bool) -> None:
    for form, values in forms(VALUES[name]).items():
        request = ModelInferRequest(id="7", raw_input_contents=[b""] if raw else [])
        outputs = [Output("x", values), Output("y", values[:1])]
        answer = ModelInferResponse.FromString(to_grpc("m", "1", request, outputs))
        read = [item.as_numpy() for item in InferResponse.from_grpc(answer).outputs]
        assert (answer.model_name, answer.id, bool(answer.raw_output_contents)) == ("m", "7", raw or name == "float16")
        for found, sent in zip(read, (values, values[:1])):
            assert found.shape == sent.shape, form
            if name == "text":
                assert [item.decode() for item in found.ravel()] == sent.ravel().tolist(), form
            else:
                assert found.astype(sent.dtype).tobytes() == sent.tobytes(), form
