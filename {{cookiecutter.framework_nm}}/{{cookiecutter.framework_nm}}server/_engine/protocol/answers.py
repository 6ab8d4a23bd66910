"""From a model's answer to bytes: V1, and V2 in JSON and binary; CSV and JSON Lines are written in lines.py.

Not here: what a client sent, and mistakes in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
import orjson

from . import lines
from .media import CSV, JSON, JSON_LINES
from .requests import Request
from .tensors import datatype_of, to_bytes

BINARY = "application/octet-stream"


class Output(NamedTuple):
    """What a model answers under one name."""

    name: str
    values: np.ndarray


class Answer(NamedTuple):
    """An answer's body, the size of its JSON where binary tensors follow, and its type."""

    body: bytes
    json_size: Optional[int] = None
    media_type: str = JSON


def encode(name: str, request: Request, outputs: list[Output]) -> Answer:
    """Encode the answer of the model `name`. Raises ValueError where JSON has no word for a number in it."""
    if request.v1:
        return _to_rows(request.writes, outputs)
    tensors, tail = [], []
    for output, asked in zip(outputs, request.outputs):
        tensor: dict[str, Any] = {
            "name": output.name,
            "shape": output.values.shape,
            "datatype": datatype_of(output.values),
        }
        if asked.binary:
            raw = to_bytes(output.values)
            tensor["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            tensor["data"] = _jsonable(output.values.ravel())
        tensors.append(tensor)
    answer = {"model_name": name, "id": request.id, "outputs": tensors}
    if request.id is None:
        del answer["id"]
    text = _dumps(answer, [output for output, asked in zip(outputs, request.outputs) if not asked.binary])
    return Answer(b"".join([text, *tail]), len(text), BINARY) if tail else Answer(text)


def _to_rows(writes: str, outputs: list[Output]) -> Answer:
    """A prediction a row: a value or a list, and where several outputs were asked for, an object with their names."""
    if writes == CSV:
        return Answer(lines.to_csv(outputs[0].values), media_type=CSV)
    if len(outputs) == 1:
        predictions: Any = _jsonable(outputs[0].values)
    else:
        names = [output.name for output in outputs]
        predictions = [dict(zip(names, row)) for row in zip(*(output.values.tolist() for output in outputs))]
    if writes == JSON:
        return Answer(_dumps({"predictions": predictions}, outputs))
    check_finite(outputs)
    return Answer(lines.to_json_lines(predictions), media_type=JSON_LINES)


def _dumps(answer: Any, outputs: list[Output]) -> bytes:
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    for output in outputs:
        if output.values.dtype.kind == "f" and b"null" in text:  # what orjson writes for an infinite number, too
            check_finite(outputs)
    return text


def check_finite(outputs: list[Output]) -> None:
    """Raise ValueError where JSON has no word for a number. NaN is a missing value, and null is one."""
    for output in outputs:
        if output.values.dtype.kind == "f" and np.isinf(output.values).any():
            row = int(np.argwhere(np.isinf(output.values))[0][0])
            raise ValueError(
                f"{output.name} of row {row} is infinite, which JSON cannot say; it arrives in V2's binary form"
            )


def _jsonable(values: np.ndarray) -> Any:
    return np.ascontiguousarray(values) if values.dtype.kind in "biuf" else values.tolist()
