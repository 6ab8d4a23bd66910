"""From a model's answer to bytes: V1, and V2 in JSON and binary; CSV and JSON Lines are written in lines.py.

Not here: what a client sent, and mistakes in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, cast

import numpy as np
import orjson

from . import lines
from .media import CSV, JSON, JSON_LINES
from .requests import Request
from .tensors import datatype_of, to_bytes

BINARY = "application/octet-stream"

#: What stands around V1's predictions, and in the place of a tensor's data.
_ROWS, _END = b'{"predictions":[', b"]}"
_EMPTY = b'"data":[]'


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
        tensor = _tensor(output, len(output.values))
        if asked.binary:
            raw = to_bytes(output.values)
            tensor["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            tensor["data"] = _jsonable(output.values.ravel())
        tensors.append(tensor)
    answer = _of_tensors(name, request, tensors)
    text = _dumps(answer, [output for output, asked in zip(outputs, request.outputs) if not asked.binary])
    return Answer(b"".join([text, *tail]), len(text), BINARY) if tail else Answer(text)


class Growing:
    """The answer of the model `name` to a request whose rows are answered some at a time: in the end, what `encode`
    would make of all of them. It grows in place: to put it together in the end would keep others waiting.
    """

    def __init__(self, name: str, request: Request) -> None:
        self._name = name
        self._request = request
        self._rows = 0
        #: Of each output, or of V1's rows, what was written, each value of JSON with a comma behind it.
        self._written = [bytearray() for _ in request.outputs]
        self._last: list[Output] = []

    def add(self, outputs: list[Output]) -> None:
        """Add the answers to further rows. Raises ValueError where JSON has no word for a number in them."""
        if self._request.v1:
            part = _to_rows(self._request.writes, outputs, self._rows).body
            self._written[0] += part[len(_ROWS) : -len(_END)] + b"," if self._request.writes == JSON else part
        else:
            for written, output, asked in zip(self._written, outputs, self._request.outputs):
                flat = output.values.ravel()
                if asked.binary:
                    written += to_bytes(flat)
                else:
                    written += _dumps(_jsonable(flat), [output], self._rows)[1:-1] + b","
        self._rows += len(outputs[0].values)
        self._last = outputs

    def answer(self) -> Answer:
        """The answer to all rows, which are one or more."""
        request = self._request
        if request.v1:
            body = self._written[0]
            if request.writes == JSON:
                body[:0], body[-1:] = _ROWS, _END
            return Answer(cast(bytes, body), media_type=request.writes)
        tensors, lists, tail = [], [], []
        for written, output, asked in zip(self._written, self._last, request.outputs):
            tensor = _tensor(output, self._rows)
            if asked.binary:
                tensor["parameters"] = {"binary_data_size": len(written)}
                tail.append(written)
            else:
                tensor["data"] = []
                lists.append(written)
            tensors.append(tensor)
        # No name can look like this: a quote in one has a backslash before it.
        begin, *others = orjson.dumps(_of_tensors(self._name, request, tensors)).split(_EMPTY)
        for written, after in zip(lists, others):
            written[-1:] = _EMPTY[-1:] + after
        text, *rest = lists or [bytearray()]
        text[:0] = begin + (_EMPTY[:-1] if lists else b"")
        for written in rest:
            text += _EMPTY[:-1] + written
        size = len(text)
        for written in tail:
            text += written
        return Answer(cast(bytes, text), *((size, BINARY) if tail else ()))


def _tensor(output: Output, rows: int) -> dict[str, Any]:
    return {
        "name": output.name,
        "shape": (rows, *output.values.shape[1:]),
        "datatype": datatype_of(output.values),
    }


def _of_tensors(name: str, request: Request, tensors: list[dict[str, Any]]) -> dict[str, Any]:
    answer = {"model_name": name, "id": request.id, "outputs": tensors}
    if request.id is None:
        del answer["id"]
    return answer


def _to_rows(writes: str, outputs: list[Output], first: int = 0) -> Answer:
    """A prediction a row: a value or a list, and where several outputs were asked for, an object with their names."""
    if writes == CSV:
        return Answer(lines.to_csv(outputs[0].values), media_type=CSV)
    if len(outputs) == 1:
        predictions: Any = _jsonable(outputs[0].values)
    else:
        names = [output.name for output in outputs]
        predictions = [dict(zip(names, row)) for row in zip(*(output.values.tolist() for output in outputs))]
    if writes == JSON:
        return Answer(_dumps({"predictions": predictions}, outputs, first))
    check_finite(outputs, first)
    return Answer(lines.to_json_lines(predictions), media_type=JSON_LINES)


def _dumps(answer: Any, outputs: list[Output], first: int = 0) -> bytes:
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    for output in outputs:
        if output.values.dtype.kind == "f" and b"null" in text:  # what orjson writes for an infinite number, too
            check_finite(outputs, first)
    return text


def check_finite(outputs: list[Output], first: int = 0) -> None:
    """Raise ValueError where JSON has no word for a number. NaN is a missing value, and null is one.

    `first` is the number of the first row.
    """
    for output in outputs:
        if output.values.dtype.kind == "f" and np.isinf(output.values).any():
            row = first + int(np.argwhere(np.isinf(output.values))[0][0])
            raise ValueError(
                f"{output.name} of row {row} is infinite, which JSON cannot say; it arrives in V2's binary form"
            )


def _jsonable(values: np.ndarray) -> Any:
    return np.ascontiguousarray(values) if values.dtype.kind in "biuf" else values.tolist()
