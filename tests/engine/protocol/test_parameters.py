"""Promises of parameters: one that changes what data means is obeyed or refused by name, and never ignored."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from _engine.contract.signature import Column, Signature
from _engine.protocol.outputs import Asked
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import InvalidRequest
from forms import MIXED, NUMBERS, OUTPUTS, decode, tensor

MATRIX = tensor("x", "FP64", [1, 3], [1, 2, 3])
COLUMNS = [tensor(name, "FP64", [1], [value]) for name, value in zip("abc", (1, 2, 3))]


@pytest.mark.parametrize("content_type", ["np", "pd"])
def test_columns_are_read_as_their_content_type_says(content_type: str) -> None:
    asked = {"parameters": {"content_type": content_type}}
    items = [{**item, **asked} for item in COLUMNS]
    np.testing.assert_array_equal(decode(NUMBERS, {"inputs": items, **asked}), [[1, 2, 3]])


def test_text_may_be_said_to_be_text() -> None:
    signature = Signature((Column("t", "BYTES"),))
    item = {**tensor("t", "BYTES", [1], ["x"]), "parameters": {"content_type": "str"}}
    assert decode(signature, {"inputs": [item]})["t"].tolist() == ["x"]


def test_what_says_when_to_compute_is_let_pass() -> None:
    """Triton's client says it for every model."""
    parameters = {"priority": 1, "timeout": 5, "sequence_id": "a", "sequence_start": True, "sequence_end": False}
    np.testing.assert_array_equal(decode(NUMBERS, {"inputs": [MATRIX], "parameters": parameters}), [[1, 2, 3]])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"inputs": [MATRIX], "parameters": {"predict_prob": True}}, 'parameter "predict_prob": not known'),
        ({"instances": [[1, 2, 3]], "parameters": {"predict_prob": True}}, 'parameter "predict_prob": not known'),
        ({"instances": [[1, 2, 3]], "parameters": {"binary_data_output": True}}, "not known"),
        ({"instances": [[1, 2, 3]], "params": {"temperature": 1}}, 'parameter "temperature": not known'),
        ({"inputs": [MATRIX], "parameters": {"binary_data_output": "false"}}, 'expected true or false, got "false"'),
        ({"inputs": [MATRIX], "parameters": {"sequence_id": True}}, "expected a number or a string"),
        ({"inputs": [MATRIX], "parameters": {"content_type": "base64"}}, "content_type: values are read as np or pd"),
        ({"inputs": [MATRIX], "parameters": {"content_type": "pd"}}, "input 'x' is not a column"),
        ({"inputs": [{**MATRIX, "parameters": {"content_type": "str"}}]}, "content_type is str, which is BYTES"),
        ({"inputs": [{**MATRIX, "parameters": {"content_type": 5}}]}, "input 'x': parameter content_type: expected"),
        ({"inputs": [{**MATRIX, "parameters": {"shared_memory_region": "r"}}]}, "not known"),
        ({"inputs": [{**MATRIX, "parameter": {}}]}, "parameter"),
        ({"inputs": [MATRIX], "parametres": {}}, "parametres"),
        (
            {"inputs": [MATRIX], "outputs": [{"name": "predict", "parameters": {"binary_data": "false"}}]},
            "output 'predict': parameter binary_data: expected true or false",
        ),
        (
            {"inputs": [MATRIX], "outputs": [{"name": "predict", "parameters": {"classification": 2}}]},
            'parameter "classification": not known',
        ),
        ({"instances": [[1, 2, 3]], "parameters": {"outputs": ["nothing"]}}, "no output is named 'nothing'"),
        ({"instances": [[1, 2, 3]], "parameters": {"outputs": [5]}}, "parameter outputs: expected names"),
        ({"instances": [[1, 2, 3]], "parameters": {"outputs": "predict"}}, "expected a list"),
        ({"instances": [[1, 2, 3]], "parameters": {"outputs": ["predict", "output-0", "predict"]}}, "twice"),
    ],
)
def test_what_is_not_known_or_of_another_kind_is_refused_by_name(content: Any, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        decode(NUMBERS, content)
    assert complaint in str(error.value)


def test_the_way_over_grpc_checks_parameters_too() -> None:
    decoder = Decoder(MIXED, OUTPUTS)
    with pytest.raises(InvalidRequest, match="not known"):
        decoder.check_input("x", "FP64", {"misspelt": 1})
    with pytest.raises(InvalidRequest, match="not known"):
        decoder.request([], {"misspelt": 1}, None, [])


@pytest.mark.parametrize("v1", [True, False])
def test_outputs_have_the_names_that_clients_know(v1: bool) -> None:
    """KServe's servers say output-0, a graph what it says; the answer is by that name."""
    decoder = Decoder(NUMBERS, OUTPUTS, {"probabilities": "predict_proba"})
    names = ["output-0", "probabilities"]
    content: Any = {"instances": [[1, 2, 3]], "parameters": {"outputs": names}}
    if not v1:
        content = {"inputs": [MATRIX], "outputs": [{"name": name} for name in names]}
    found = decoder.decode(json.dumps(content).encode(), v1=v1).outputs
    assert found == (Asked("", False, "output-0"), Asked("predict_proba", False, "probabilities"))
