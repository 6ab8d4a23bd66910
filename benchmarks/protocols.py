"""Requests as each protocol wants them, and the values in its answers."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Values = Sequence[float]
#: Type codes of `array` by the Open Inference Protocol's datatypes.
_CODES = {"BOOL": "b", "INT32": "i", "INT64": "q", "FP32": "f", "FP64": "d"}
_JSON_SIZE = "inference-header-content-length"


@dataclass(frozen=True)
class Request:
    """What is sent, and what its answer must hold: these labels, or where a server answers scores, these scores."""

    path: str
    body: bytes
    read: Callable[[bytes, dict[str, str]], Values]
    labels: Values
    scores: Values | None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    grpc: bool = False

    def is_right(self, body: bytes, headers: dict[str, str]) -> bool:
        """Whether an answer is the model's."""
        values = self.read(body, {name.lower(): value for name, value in headers.items()})
        if list(values) == self.labels:
            return True
        pairs = zip(values, self.scores or ())
        return len(values) == len(self.scores or ()) and all(abs(value - score) < 1e-5 for value, score in pairs)


Protocol = Callable[[dict[str, Any]], Request]


def v1(known: dict[str, Any]) -> Request:
    """KServe's V1."""
    body = json.dumps({"instances": known["rows"]}).encode()
    return Request("/v1/models/model:predict", body, _named("predictions"), known["labels"], known["scores"])


def v2(known: dict[str, Any]) -> Request:
    """The Open Inference Protocol in JSON."""
    data = [value for row in known["rows"] for value in row]
    body = json.dumps({"inputs": [{**_tensor(known), "data": data}]}).encode()
    return Request("/v2/models/model/infer", body, _v2_values, known["labels"], known["scores"])


def v2_columns(known: dict[str, Any]) -> Request:
    """The Open Inference Protocol in JSON, an input for each column."""
    columns = zip(known["columns"], zip(*known["rows"]))
    shape = [len(known["rows"]), 1]
    inputs = [{"name": name, "shape": shape, "datatype": "FP64", "data": data} for name, data in columns]
    body = json.dumps({"inputs": inputs}).encode()
    return Request("/v2/models/model/infer", body, _v2_values, known["labels"], known["scores"])


def grpc(known: dict[str, Any]) -> Request:
    """The Open Inference Protocol over gRPC."""
    headers = {"content-type": "application/grpc", "te": "trailers"}
    path, body = "/inference.GRPCInferenceService/ModelInfer", bytes.fromhex(known["grpc"])
    return Request(path, body, _list, known["labels"], known["scores"], headers, grpc=True)


def v2_binary(known: dict[str, Any]) -> Request:
    """The Open Inference Protocol with binary tensors, both ways."""
    data = array("d", [value for row in known["rows"] for value in row]).tobytes()
    tensor = {**_tensor(known), "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", _JSON_SIZE: str(len(head))}
    return Request("/v2/models/model/infer", head + data, _v2_values, known["labels"], known["scores"], headers)


def rows(known: dict[str, Any]) -> Request:
    """For servers without a protocol of their own: rows in, a list out."""
    body = json.dumps({"instances": known["rows"]}).encode()
    return Request("/predict", body, _list, known["labels"], known["scores"])


def echo(known: dict[str, Any]) -> Request:
    """The same bytes, and an answer that is the request."""
    return Request("/predict", rows(known).body, _named("instances"), known["rows"], None)


def _tensor(known: dict[str, Any]) -> dict[str, Any]:
    shape = [len(known["rows"]), len(known["rows"][0])]
    return {"name": "input-0", "shape": shape, "datatype": "FP64"}


def _named(name: str) -> Callable[[bytes, dict[str, str]], Values]:
    def read(body: bytes, headers: dict[str, str]) -> Values:
        values: Values = json.loads(body)[name]
        return values

    return read


def _list(body: bytes, headers: dict[str, str]) -> Values:
    values: Values = json.loads(body)
    return values


def _v2_values(body: bytes, headers: dict[str, str]) -> Values:
    size = int(headers.get(_JSON_SIZE, len(body)))
    output = json.loads(body[:size])["outputs"][0]
    if "data" in output:
        values: Values = output["data"]
        return values
    return array(_CODES[output["datatype"]], body[size:][: output["parameters"]["binary_data_size"]]).tolist()
