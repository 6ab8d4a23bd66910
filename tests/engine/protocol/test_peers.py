"""Promises of other servers' bodies: each form means the table that it means there, and mistakes in it are said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Column, Signature
from _engine.protocol.tensors import InvalidRequest
from forms import IMAGE, IMAGES, MIXED, NUMBERS, PEERS_FORMS, RECORDS, ROWS, decode, tensor


@pytest.mark.parametrize("form", PEERS_FORMS)
@pytest.mark.parametrize("v1", [True, False], ids=["v1", "invocations"])
def test_every_form_of_a_table_is_the_same_table(form: str, v1: bool) -> None:
    pd.testing.assert_frame_equal(decode(MIXED, PEERS_FORMS[form], v1=v1), MIXED.conform(ROWS))


@pytest.mark.parametrize("content", [{"inputs": [IMAGE, IMAGE]}, {"inputs": {"image": [IMAGE, IMAGE]}}])
def test_rows_that_are_tensors_are_read_where_they_can_be(content: Any) -> None:
    np.testing.assert_array_equal(decode(IMAGES, content, v1=True), np.array([IMAGE, IMAGE], dtype=float))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"instances": ROWS, "inputs": ROWS}, "'instances' and 'inputs': expected one"),
        ({"instances": ROWS, "dataframe_records": RECORDS}, "expected one of them"),
        ({"instances": ROWS, "outputs": [{"name": "predict"}]}, '"outputs" goes with V2'),
        ({"instances": ROWS, "parametres": {}}, '"parametres" is not known'),
        ({"inputs": ROWS, "parameters": 5}, '"parameters": expected an object'),
        ({"instances": {"age": [1, 2], "b": [1]}}, "as many values each"),
        ({"instances": {"age": {"0": 1}, "b": {"1": 1}}}, "as many values each"),
        ({"instances": {"age": 1}}, "columns with a list"),
        ({"instances": {}}, "empty"),
        ({"instances": [{}]}, "column 'ok?'"),
        ({"inputs": {"age": [1], "foreign": [2]}}, "row 0, column 'foreign': no such column"),
        ({"inputs": [[{"age": 1}, {"age": 2}, {"b": 1}, {"plan": ""}]]}, 'expected a number, got {"age":1}'),
        ({"dataframe_split": ROWS}, '"dataframe_split": expected {"columns"'),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "a name each"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}, "row 0: expected a list of 1 values"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1]], "dtype": 1}}, '"dtype" is not known'),
        ({"dataframe_records": 5}, '"dataframe_records": expected a list'),
        ({"dataframe_records": []}, "empty"),
        ({"dataframe_records": [ROWS[0], [1, "yes", "x", 1]]}, "row 1, column 'ok?': expected true or false"),
    ],
)
def test_what_is_wrong_is_said(content: Any, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        decode(MIXED, content, v1=True)
    assert complaint in str(error.value)


def test_a_tensor_with_a_mistake_is_not_taken_for_rows() -> None:
    item = {"name": "a", "shape": [1, 3], "data": [1, 2, 3]}
    with pytest.raises(InvalidRequest, match="datatype"):
        decode(NUMBERS, {"inputs": [item]})
    with pytest.raises(InvalidRequest, match="expected one of them"):
        decode(NUMBERS, {"inputs": [tensor("a", "FP64", [1, 3], [1, 2, 3])], "instances": [[1, 2, 3]]})


def test_columns_named_as_sagemakers_fields_are_columns() -> None:
    signature = Signature((Column("features", "FP64"), Column("data", "FP64")))
    np.testing.assert_array_equal(decode(signature, {"instances": {"data": [1], "features": [2]}}, v1=True), [[2, 1]])
