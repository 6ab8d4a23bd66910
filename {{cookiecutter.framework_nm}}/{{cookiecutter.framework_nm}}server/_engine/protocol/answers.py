"""From a model's answer to bytes: V1, and V2 in JSON and binary. Not here: what a client sent, and mistakes in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import orjson

from .requests import Request
from .tensors import datatype_of, to_bytes


class Output(NamedTuple):
    """What a model answers under one name."""

    name: str
    values: np.ndarray


def encode(name: str, request: Request, outputs: list[Output]) -> tuple[bytes, int | None]:
    """Encode the answer of the model `name`; returns the body and, where binary tensors follow, its JSON's size."""
    if request.v1:
        return orjson.dumps({"predictions": _jsonable(outputs[0].values)}, option=orjson.OPT_SERIALIZE_NUMPY), None
    tensors, tail = [], []
    for output, (_, binary) in zip(outputs, request.outputs):
        tensor: dict[str, Any] = {
            "name": output.name,
            "shape": output.values.shape,
            "datatype": datatype_of(output.values),
        }
        if binary:
            raw = to_bytes(output.values)
            tensor["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            tensor["data"] = _jsonable(output.values.ravel())
        tensors.append(tensor)
    answer = {"model_name": name, "id": request.id, "outputs": tensors}
    if request.id is None:
        del answer["id"]
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join([text, *tail]), len(text)) if tail else (text, None)


def _jsonable(values: np.ndarray) -> Any:
    return np.ascontiguousarray(values) if values.dtype.kind in "biuf" else values.tolist()
