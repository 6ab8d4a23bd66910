"""Promises of the schemas: they allow what the decoder takes and forbid what it refuses, and describe the answers."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from _engine.contract.dates import Dates
from _engine.contract.numbers import Numbers
from _engine.contract.signature import Column, Signature, Tensor
from _engine.contract.truths import Truths
from _engine.protocol import schemas
from _engine.protocol.answers import Output, encode
from _engine.protocol.requests import Decoder, Request
from _engine.protocol.tensors import InvalidRequest
from forms import IMAGE, IMAGES, MIXED, NUMBERS, OUTPUTS, ROWS, decode, mixed_forms

#: "" and "?" spell a missing value in text, -999 one among numbers.
SPELT = Signature((Column("n", "FP64"), Column("t", "BYTES"), Column("u", "BYTES", nullable=True)), ("?", "-999"))


def allows(schema: schemas.Schema, content: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(content))


def is_taken(signature: Signature, content: Any) -> bool:
    try:
        Decoder(signature, OUTPUTS).decode(json.dumps(content).encode(), v1=True)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize("form", mixed_forms())
def test_every_form_of_a_request_is_allowed(form: str) -> None:
    content = json.loads(json.dumps(mixed_forms()[form]))
    known = schemas.request_v1(MIXED, OUTPUTS), schemas.request_v2(MIXED, OUTPUTS)
    assert [allows(schema, content) for schema in known] == ["instances" in content, "inputs" in content]


@pytest.mark.parametrize(
    ("signature", "row"),
    [
        *((NUMBERS, row) for row in ([1, 2, 3], [1, 2], [1, 2, 3, 4], [1, 2, "3"], [1, 2, None], [1, 2, 1e39])),
        *((NUMBERS, row) for row in ([1, 2, True], [1, 2, -1e39])),
        *((NUMBERS, row) for row in ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3, "d": 4}, 7)),
        *((MIXED, row) for row in (ROWS[0], ROWS[1], [1, None, "x", 1], [1, True, None, 1], [1, 1, "x", 1])),
        *((SPELT, row) for row in ([1, "x", "?"], [1, "x", ""], [1, "?", "x"], [1, "", "x"], [-999, "x", "x"])),
        *((IMAGES, row) for row in (IMAGE, {"image": IMAGE}, IMAGE[:1], [[1, 2, None], [4, 5, 6]])),
    ],
    ids=str,
)
def test_a_row_is_allowed_where_it_is_taken(signature: Signature, row: Any) -> None:
    content = {"instances": [row]}
    assert allows(schemas.request_v1(signature, OUTPUTS), content) == is_taken(signature, content)


@pytest.mark.parametrize(
    ("outputs", "y_hat"),
    [
        (OUTPUTS, {"predict": np.array([0, 1]), "predict_proba": np.array([[0.2, 0.8], [1.0, 0.0]])}),
        ((Tensor("predict", "FP64", (-1,)),), {"predict": np.array([0.5, -3e30])}),
        ((Tensor("predict", "BYTES", (-1,)),), {"predict": np.array(["a", "b"])}),
        ((Tensor("predict", "FP32", (-1, 2)),), {"predict": np.ones((2, 2), np.float32)}),
    ],
    ids=["labels", "numbers", "text", "tensors"],
)
@pytest.mark.parametrize("v1", [True, False], ids=["v1", "v2"])
def test_answers_are_as_described(outputs: tuple[Tensor, ...], y_hat: dict[str, Any], v1: bool) -> None:
    schema = (schemas.answer_v1 if v1 else schemas.answer_v2)(outputs, None)
    for name, values in y_hat.items():
        body = encode("m", Request(None, v1), [Output(name, values)]).body
        jsonschema.validate(json.loads(body), schema, jsonschema.Draft202012Validator)
        assert not allows(schema, {})


@pytest.mark.parametrize("signature", [MIXED, NUMBERS, IMAGES, SPELT], ids=["mixed", "numbers", "tensors", "spelt"])
@pytest.mark.parametrize(
    "row", [*ROWS, [1, 2, 3], [1, 2, None], [1, "x", "x"], ["1", "x", "x"], [IMAGE], IMAGE], ids=str
)
def test_a_table_of_a_peers_client_is_taken_where_it_is_allowed(signature: Signature, row: list[Any]) -> None:
    schema = schemas.request_of_peers(signature, OUTPUTS)
    split = {"dataframe_split": {"columns": signature.names, "data": [row]}}
    records = {"dataframe_records": [dict(zip(signature.names, row))]}
    for content in (split, records):
        taken = is_taken(signature, content) and not (content is split and signature.tensor)
        assert allows(schema, content) == taken, content


@pytest.mark.parametrize("asked", [["predict", "predict_proba"], ["output-0"], ["output-0", "predict_proba"], []])
def test_outputs_are_asked_for_and_answered_as_described(asked: list[str]) -> None:
    request: dict[str, Any] = {"instances": [[1, 2, 3]], "parameters": {"outputs": asked}}
    assert allows(schemas.request_v1(NUMBERS, OUTPUTS), request) and is_taken(NUMBERS, request)
    values = {"predict": np.array([1]), "predict_proba": np.array([[0.5, 0.5]]), "output-0": np.array([1])}
    body = encode("m", Request(None, True), [Output(name, values[name]) for name in asked or ["predict"]]).body
    jsonschema.validate(json.loads(body), schemas.answer_v1(OUTPUTS, [0, 1]), jsonschema.Draft202012Validator)
    for wrong in (["predict", "predict"], ["nothing"], [1]):
        request["parameters"] = {"outputs": wrong}
        assert not allows(schemas.request_v1(NUMBERS, OUTPUTS), request) and not is_taken(NUMBERS, request)


def test_labels_are_the_only_answers_and_give_probabilities_their_order() -> None:
    schema = schemas.answer_v1((Tensor("predict", "BYTES", (-1,)), OUTPUTS[1]), ["no", "yes"])
    assert allows(schema, {"predictions": ["yes", "no"]})
    assert not allows(schema, {"predictions": ["maybe"]})
    assert allows(schema, {"predictions": [[0.5, 0.5]]})
    assert not allows(schema, {"predictions": [[0.5, 0.25, 0.25]]})
    assert "no, yes" in json.dumps(schema)


@pytest.mark.parametrize(
    ("signature", "instances"),
    [
        (NUMBERS, [[1, 2, 3], [4, 5, 6]]),
        (MIXED, ROWS),
        (MIXED, mixed_forms()["records"]["instances"]),
        (IMAGES, [IMAGE]),
    ],
    ids=["numbers", "rows", "records", "tensors"],
)
def test_rows_as_tensors_are_the_same_rows(signature: Signature, instances: list[Any]) -> None:
    request = schemas.tensors(signature, instances)
    assert allows(schemas.request_v2(signature, OUTPUTS), request)
    expected, found = decode(signature, {"instances": instances}), decode(signature, request)
    assert json.dumps(found.tolist() if isinstance(found, np.ndarray) else found.to_dict("list")) == json.dumps(
        expected.tolist() if isinstance(expected, np.ndarray) else expected.to_dict("list")
    )


def test_how_a_column_is_spelt_is_in_the_schema() -> None:
    columns = (
        Column("when", "BYTES", form=Dates("%d.%m.%Y", parts=("month",))),
        Column("price", "FP64", nullable=True, form=Numbers(signs=("$",))),
        Column("ok", "BOOL", form=Truths("yes", "no")),
    )
    schema = schemas.request_v1(Signature(columns, (), {"id": "it names the rows"}), OUTPUTS)
    taken: list[list[Any]] = [["31.05.2024", "$3", "yes"], ["31.05.2024", 3, True], ["31.05.2024", None, "no"]]
    for row in taken:
        record = {**dict(zip(("when", "price", "ok"), row)), "id": [7]}
        assert allows(schema, {"instances": [row]})
        assert allows(schema, {"instances": [record]})
    refused: list[list[Any]] = [[5, 3, True], ["31.05.2024", True, True], ["31.05.2024", 3, 1], ["31.05.2024", 3, ""]]
    for row in refused:
        assert not allows(schema, {"instances": [row]})
    text = json.dumps(schema)
    assert "a date or time such as 31.05.2024, or as 2024-05-31" in text
    assert "Nothing is learnt from it: it names the rows." in text
    tensors = schemas.request_v2(Signature(columns), OUTPUTS)["properties"]["inputs"]
    assert "'when' BYTES [-1] (a date or time such as 31.05.2024, or as 2024-05-31" in tensors["description"]
