"""Promises of encoding: an answer is JSON, or bytes where the client asked for them."""

from __future__ import annotations

import json

import numpy as np
from _engine.protocol.answers import Output, encode
from _engine.protocol.requests import Decoder
from forms import NUMBERS, OUTPUTS, tensor


def test_answers_are_written_as_json_or_as_bytes() -> None:
    X = tensor("x", "FP64", [2, 3], list(range(6)))
    labels, scores = np.array(["no", "yés"]), np.array([[0.1, 0.9], [1 / 3, 2 / 3]])
    asked = [{"name": "predict", "parameters": {"binary_data": True}}, {"name": "predict_proba"}]
    request = Decoder(NUMBERS, OUTPUTS).decode(json.dumps({"id": "7", "inputs": [X], "outputs": asked}).encode())
    body, size, _ = encode("m", request, [Output("predict", labels), Output("predict_proba", scores)])
    answer = json.loads(body[:size])
    assert answer["id"] == "7"
    assert answer["outputs"][0]["parameters"]["binary_data_size"] == len(body[size:]) == 4 + 2 + 4 + 4
    assert answer["outputs"][1]["data"] == scores.ravel().tolist()
