"""The messages of gRPC: their tensors as arrays, and arrays as their tensors.

A gRPC message holds tensors in one of two forms, typed or raw. Clients read the form that they send, and some no other:
each request is answered in its own. What tensors mean to a model is a matter of protocol/requests.py.
"""

from __future__ import annotations

import math

import kserve
import numpy as np
from kserve.constants.constants import GRPC_CONTENT_DATATYPE_MAPPINGS
from kserve.model_server import args
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferResponse

from ..protocol.answers import Output
from ..protocol.tensors import (
    DATATYPES,
    InvalidRequest,
    NamedArray,
    check,
    datatype_of,
    from_bytes,
    show,
    text,
    to_bytes,
)

#: Bytes of an answer: what the server is set to send, or what any message of gRPC's may have.
_LARGEST = args.grpc_max_send_message_length if args.grpc_max_send_message_length >= 0 else 2**31 - 1


def decode(item: kserve.InferInput) -> NamedArray:
    """Read one tensor of a request. Raises InvalidRequest."""
    check(item.name, item.datatype, item.shape)
    raw = item._raw_data  # KServe's own decoder of it makes several calls for each string
    values = _from_list(item) if raw is None else from_bytes(item.name, item.datatype, raw)
    if values.size != math.prod(item.shape):
        raise InvalidRequest(f"input {item.name!r}: shape {item.shape} does not hold {values.size} values")
    return NamedArray(item.name, item.datatype, values.reshape(item.shape))


def _from_list(item: kserve.InferInput) -> np.ndarray:
    dtype, kind = DATATYPES[item.datatype]
    try:
        values = np.array(item.data, dtype=dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise InvalidRequest(f"input {item.name!r}: no {item.datatype} of shape {item.shape}: {error}") from None
    if kind is str:
        strings = [_string(item.name, value) for value in values.ravel()]
        return np.array(strings, dtype=object).reshape(values.shape)
    return values


def _string(name: str, value: object) -> str | None:
    if isinstance(value, bytes):
        return text(name, value)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRequest(f"input {name!r}: expected a string, got {show(value)}")


def to_grpc(name: str, version: str, request: kserve.InferRequest, outputs: list[Output]) -> ModelInferResponse:
    """Write the answer of a model to a request over gRPC. Raises InvalidRequest where it is too large."""
    datatypes = [datatype_of(output.values) for output in outputs]
    raw = request.use_binary_outputs or "FP16" in datatypes  # FP16 has no typed form
    answer = ModelInferResponse(model_name=name, model_version=version, id=request.id)
    for output, datatype in zip(outputs, datatypes):
        tensor = answer.outputs.add(name=output.name, datatype=datatype, shape=output.values.shape)
        if raw:
            answer.raw_output_contents.append(to_bytes(output.values))
        else:
            values = output.values.ravel().tolist()
            contents = getattr(tensor.contents, GRPC_CONTENT_DATATYPE_MAPPINGS[datatype])
            contents.extend([str(value).encode() for value in values] if datatype == "BYTES" else values)
    size = answer.ByteSize()
    if size > _LARGEST:
        raise InvalidRequest(f"the answer has {size} bytes, and gRPC allows {_LARGEST}: send fewer rows at a time")
    return answer
