"""The messages of gRPC: their tensors as arrays, and arrays as their tensors.

A gRPC message holds tensors in one of two forms, typed or raw. Clients read the form that they send, and some no other:
each request is answered in its own. What tensors mean to a model is a matter of protocol/requests.py.
"""

from __future__ import annotations

import math

import numpy as np
from kserve.constants.constants import GRPC_CONTENT_DATATYPE_MAPPINGS
from kserve.model_server import args
from kserve.protocol.grpc.grpc_predict_v2_pb2 import InferTensorContents, ModelInferRequest, ModelInferResponse

from ..protocol.answers import Output
from ..protocol.tensors import (
    DATATYPES,
    InvalidRequest,
    NamedArray,
    check,
    datatype_of,
    from_bytes,
    texts,
    to_bytes,
)

#: Bytes of an answer: what the server is set to send, or what any message of gRPC's may have.
_LARGEST = args.grpc_max_send_message_length if args.grpc_max_send_message_length >= 0 else 2**31 - 1


def decode(request: ModelInferRequest) -> list[NamedArray]:
    """Read the tensors of a request. Raises InvalidRequest."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidRequest(f"there are {len(request.inputs)} inputs, and {len(raw)} raw_input_contents")
    return [_tensor(item, raw[at] if raw else None) for at, item in enumerate(request.inputs)]


def _tensor(item: ModelInferRequest.InferInputTensor, raw: bytes | None) -> NamedArray:
    name, datatype, shape = item.name, item.datatype.upper(), list(item.shape)
    check(name, datatype, shape)
    if raw is None:
        values = _typed(name, datatype, item.contents)
    elif item.HasField("contents"):
        raise InvalidRequest(f"input {name!r}: there are contents beside raw_input_contents")
    else:
        values = from_bytes(name, datatype, raw)
    if values.size != math.prod(shape):
        raise InvalidRequest(f"input {name!r}: shape {shape} does not hold {values.size} values")
    return NamedArray(name, datatype, values.reshape(shape))


def _typed(name: str, datatype: str, contents: InferTensorContents) -> np.ndarray:
    field = GRPC_CONTENT_DATATYPE_MAPPINGS.get(datatype)
    if field is None:
        raise InvalidRequest(f"input {name!r}: {datatype} has no typed contents: send raw_input_contents")
    values, dtype = getattr(contents, field), np.dtype(DATATYPES[datatype][0])
    if datatype == "BYTES":
        return texts(name, values)
    if dtype.kind in "fb":
        return _packed(contents, field, len(values) * dtype.itemsize, dtype)
    try:
        return np.fromiter(values, dtype, len(values))
    except OverflowError as error:
        raise InvalidRequest(f"input {name!r}: no {datatype}: {error}") from None


def _packed(contents: InferTensorContents, field: str, size: int, dtype: np.dtype) -> np.ndarray:
    """Values of a fixed size, in bulk: at the end of a message that has no other field, they lie as in an array."""
    for other, _ in contents.ListFields():
        if other.name != field:
            contents.ClearField(other.name)
    contents.DiscardUnknownFields()
    written = contents.SerializeToString()
    return np.frombuffer(written, dtype, offset=len(written) - size)


def to_grpc(name: str, version: str, request: ModelInferRequest, outputs: list[Output]) -> bytes:
    """Write the answer of a model to a request over gRPC. Raises InvalidRequest where it is too large."""
    datatypes = [datatype_of(output.values) for output in outputs]
    raw = bool(request.raw_input_contents) or "FP16" in datatypes  # FP16 has no typed form
    answer = ModelInferResponse(model_name=name, model_version=version, id=request.id)
    for output, datatype in zip(outputs, datatypes):
        tensor = answer.outputs.add(name=output.name, datatype=datatype, shape=output.values.shape)
        if raw:
            answer.raw_output_contents.append(to_bytes(output.values))
        else:
            _write_typed(tensor.contents, datatype, output.values)
    size = answer.ByteSize()
    if size > _LARGEST:
        raise InvalidRequest(f"the answer has {size} bytes, and gRPC allows {_LARGEST}: send fewer rows at a time")
    written: bytes = answer.SerializeToString()
    return written


def _write_typed(contents: InferTensorContents, datatype: str, values: np.ndarray) -> None:
    field = GRPC_CONTENT_DATATYPE_MAPPINGS[datatype]
    if values.dtype.kind in "fb":  # of a fixed size, and so in bulk: a field's number, its length, and an array's bytes
        written = values.tobytes()
        number = contents.DESCRIPTOR.fields_by_name[field].number
        contents.MergeFromString(b"%c%b%b" % (number << 3 | 2, _varint(len(written)), written))
        return
    items = values.ravel().tolist()
    getattr(contents, field).extend([str(item).encode() for item in items] if datatype == "BYTES" else items)


def _varint(value: int) -> bytes:
    """A whole number as protobuf writes it: seven bits a byte, the lowest first, each byte but the last one marked."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
