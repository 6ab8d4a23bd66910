"""What the bodies of a request and its answer say, row by row, by the columns' names.

It is forgiving, because the server has answered: values stay as clients wrote them, and what has no rows, such as a
question for metadata, is none. Not here: what fits the model.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Optional

import msgspec
import numpy as np
import orjson

from ..protocol import peers
from ..protocol.codings import decoded
from ..protocol.inputs import read_tensors
from ..protocol.tensors import InputTensor, InvalidRequest, NamedArray
from .events import Event
from .pairs import Pair

#: What stands beside a row's columns begins so: a column has such a name hardly ever, and takes its place then.
_OURS = "logged_"
#: Bytes of a body that was sent compressed, unpacked.
_LARGEST = 64 << 20


class Names(NamedTuple):
    """The columns of a model, in their order; of a single `tensor`, its name. None are known where it did not say."""

    columns: List[str]
    tensor: bool = False


def lines(pair: Pair, names: Names) -> bytes:
    """The rows of a request as JSON Lines, each with its columns, the request's id and time, the row's number, the
    model's version, and the answer. Raises InvalidRequest where there are none.
    """
    request = pair.request
    try:
        rows = _rows(unpacked(request.body), request.json_size, names)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRequest(str(error)) from None
    answers = _answers(pair.answer, len(rows))
    version = request.version or (pair.answer.version if pair.answer else None)
    common = {f"{_OURS}id": request.name, f"{_OURS}time": request.time, f"{_OURS}version": version}
    return b"".join(
        orjson.dumps(
            {**common, f"{_OURS}row": index, f"{_OURS}answer": answer, **row},
            option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY,
        )
        for index, (row, answer) in enumerate(zip(rows, answers))
    )


def unpacked(body: bytes) -> bytes:
    """A body, without gzip. Raises InvalidRequest where it is damaged, or would be too large."""
    if body[:2] != b"\x1f\x8b":
        return body
    found = bytearray()
    for part in decoded("gzip", body):
        found += part
        if len(found) > _LARGEST:
            raise InvalidRequest(f"the body has more than {_LARGEST >> 20} MiB")
    return bytes(found)


def _rows(body: bytes, json_size: Optional[int], names: Names) -> List[Dict[str, Any]]:
    size = len(body) if json_size is None else json_size
    try:
        content: Any = orjson.loads(body[:size])
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict) or not any(content.get(name) for name in peers.NAMES):
        raise InvalidRequest("the body has no rows")
    if _is_tensors(content.get("inputs")):
        return _of_tensors(_read(content["inputs"], body[size:]), names)
    return [_named(row, names) for row in peers.rows_in(content, names.columns, names.tensor)]


def _is_tensors(inputs: Any) -> bool:
    return isinstance(inputs, list) and all(isinstance(item, dict) and "datatype" in item for item in inputs)


def _read(tensors: List[Any], tail: bytes) -> List[NamedArray]:
    return read_tensors(msgspec.json.decode(orjson.dumps(tensors), type=List[InputTensor]), memoryview(tail), [])


def _of_tensors(tensors: List[NamedArray], names: Names) -> List[Dict[str, Any]]:
    first = tensors[0].values
    if len(tensors) == 1 and first.ndim > 1 and not (names.columns == [tensors[0].name] and first.size == len(first)):
        return [_named(row, names) for row in first.tolist()]
    columns = [tensor.values.ravel().tolist() for tensor in tensors]
    return [dict(zip([tensor.name for tensor in tensors], row)) for row in zip(*columns)]


def _named(row: Any, names: Names) -> Dict[str, Any]:
    """A row by its columns' names, or whole where they are not known."""
    if isinstance(row, dict):
        return row
    if names.tensor:
        return {names.columns[0]: row}
    if isinstance(row, list) and len(row) == len(names.columns):
        return dict(zip(names.columns, row))
    return {f"{_OURS}values": row}


def _answers(event: Optional[Event], rows: int) -> List[Any]:
    """What was answered to each row; None where it cannot be told."""
    found: List[Any] = []
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        found = _answered(unpacked(event.body)) if event else []
    return found if len(found) == rows else [None] * rows


def _answered(body: bytes) -> List[Any]:
    content = _decoded(body)
    if content.predictions is not None:
        return content.predictions
    # Where binary tensors begin, a header would say, which the logger does not pass on.
    sizes = [(tensor.parameters or {}).get("binary_data_size", 0) for tensor in content.outputs]
    tail = memoryview(body)[len(body) - sum(sizes) :]
    outputs = read_tensors(content.outputs, tail, [])
    if len(outputs) == 1:
        return _listed(outputs[0].values)
    by_name = {output.name: _listed(output.values) for output in outputs}
    return [dict(zip(by_name, row)) for row in zip(*by_name.values())]


def _listed(values: np.ndarray) -> List[Any]:
    found: List[Any] = values.tolist()
    return found


class _Answer(msgspec.Struct):
    """V1's answer, or V2's."""

    predictions: Optional[List[Any]] = None
    outputs: List[InputTensor] = []


_DECODER = msgspec.json.Decoder(_Answer)


def _decoded(body: bytes) -> _Answer:
    """The JSON at the beginning of an answer."""
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError:
        # A byte is a character of Latin 1, so that positions are those of bytes.
        _, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
        return _DECODER.decode(body[:end])
