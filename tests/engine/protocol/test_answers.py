"""Promises of encoding: an answer is JSON, or bytes where the client asked for them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from _engine.protocol.answers import Growing, Output, encode
from _engine.protocol.media import CSV, JSON, JSON_LINES, PLAIN, media_of
from _engine.protocol.outputs import Asked
from _engine.protocol.requests import Decoder, Request
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


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("way", ["v1", "v2", "application/jsonlines"])
def test_an_infinite_prediction_is_an_error_where_json_has_no_word_for_it(value: float, way: str) -> None:
    """And null is no answer. NaN is a missing value, and null is one."""
    X = tensor("x", "FP64", [2, 3], list(range(6)))
    content = {"inputs": [X]} if way == "v2" else {"instances": [[1, 2, 3]] * 2}
    media = media_of("", way) if "/" in way else PLAIN
    request = Decoder(NUMBERS, OUTPUTS).decode(json.dumps(content).encode(), v1=way != "v2", media=media)
    with pytest.raises(ValueError, match="predict of row 1 is infinite"):
        encode("m", request, [Output("predict", np.array([np.nan, value]))])
    assert b"null" in encode("m", request, [Output("predict", np.array([np.nan, 1]))]).body


def test_an_infinite_prediction_is_sent_in_the_binary_form() -> None:
    content = {"inputs": [tensor("x", "FP64", [1, 3], [1, 2, 3])], "parameters": {"binary_data_output": True}}
    request = Decoder(NUMBERS, OUTPUTS).decode(json.dumps(content).encode())
    body, size, _ = encode("m", request, [Output("predict", np.array([np.inf]))])
    assert np.frombuffer(body[size:])[0] == np.inf


def test_labels_and_probabilities_come_in_one_answer() -> None:
    content = {"instances": [[1, 2, 3]] * 2, "parameters": {"outputs": ["predict", "predict_proba"]}}
    request = Decoder(NUMBERS, OUTPUTS).decode(json.dumps(content).encode(), v1=True)
    outputs = [Output("predict", np.array(["a", "b"])), Output("predict_proba", np.array([[0.75, 0.25], [0, 1]]))]
    assert json.loads(encode("m", request, outputs).body) == {
        "predictions": [
            {"predict": "a", "predict_proba": [0.75, 0.25]},
            {"predict": "b", "predict_proba": [0, 1]},
        ]
    }


@pytest.mark.parametrize("writes", [JSON, CSV, JSON_LINES])
@pytest.mark.parametrize("names", [("predict",), ("predict_proba",), ("predict", "predict_proba")])
@pytest.mark.parametrize("binary", [(False, False), (True, False), (False, True), (True, True)])
def test_an_answer_that_grows_is_the_one_written_at_once(
    writes: str, names: tuple[str, ...], binary: tuple[bool, bool]
) -> None:
    """Whatever the outputs, the labels, and how many rows come at a time; "data":[] in a name is a name."""
    chance = np.random.default_rng(0)
    labels = {
        "text": np.array(["a", '"data":[]', "ß"] * 4, object),
        "numbers": np.arange(12),
        "floats": np.ones(12) / 3,
    }
    for values in labels.values():
        found = {"predict": values, "predict_proba": chance.random((12, 3))}
        asked = tuple(Asked(name, form) for name, form in zip(names, binary))
        for v1 in (True, False):
            if (v1 and writes == CSV and len(names) > 1) or (not v1 and writes != JSON):
                continue
            request = Request(None, v1, None, '"data":[]', asked, writes)
            whole = encode('"data":[]', request, [Output(name, found[name]) for name in names])
            growing = Growing('"data":[]', request)
            for some in np.split(np.arange(12), [1, 5, 11]):
                growing.add([Output(name, found[name][some]) for name in names])
            assert growing.answer() == whole


def test_an_infinite_number_is_told_by_its_row_in_the_request() -> None:
    growing = Growing("m", Request(None, True))
    growing.add([Output("predict", np.ones(7))])
    with pytest.raises(ValueError, match="row 8 is infinite"):
        growing.add([Output("predict", np.array([1, np.inf]))])
