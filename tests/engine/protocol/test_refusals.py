"""Promises of refusals: they name whatever does not fit, all of it, with row, column and what was expected there."""

from __future__ import annotations

from typing import Any

import pytest
from _engine.contract.dates import Dates
from _engine.contract.signature import Column, Signature
from _engine.protocol.tensors import InvalidRequest
from forms import IMAGE, IMAGES, MIXED, NUMBERS, ROWS, decode, tensor


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"instances": [IMAGE, [[1, 2, 3], [4, 5]]]}, "row 1: expected numbers in lists of the shape [2, 3], got list"),
        ({"instances": [IMAGE, [[1, 2, 3]]]}, "row 1: expected numbers in lists of the shape [2, 3], got [1, 3]"),
        ({"instances": [[1, 2, 3]]}, "row 0: expected numbers in lists of the shape [2, 3], got [3]"),
        ({"instances": [[[1, 2, 3], [4, 5, "six"]]]}, "row 0: expected numbers in lists of the shape [2, 3]"),
        ({"instances": [[[1, 2, 3], [4, 5, None]]]}, "row 0: expected numbers in lists of the shape [2, 3]"),
        ({"instances": [IMAGE, [[1, 2, 3], [4, 5, 1e39]]]}, "row 1: expected numbers up to"),
        ({"instances": [{"picture": IMAGE}]}, "row 0: expected numbers in lists of the shape [2, 3], got null"),
        ({"inputs": [tensor("image", "UINT8", [1, 3, 2], [1] * 6)]}, "expected 'image' FP64 [-1, 2, 3]"),
        ({"inputs": [tensor("image", "BYTES", [1, 2, 3], ["1"] * 6)]}, "expected a number"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(content: Any, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        decode(IMAGES, content)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("content", "complaints"),
    [
        (b"", ["not JSON"]),
        (b"\xff\xfe", ["not JSON"]),
        (b"[" * 100_000, ["not JSON"]),
        ([], ["expected an object"]),
        ({}, ['no "instances"']),
        ({"instances": []}, ["empty"]),
        ({"instances": 5}, ["expected a list of rows", "got 5"]),
        ({"instances": [5]}, ["row 0", "list of 4 values"]),
        ({"instances": [[1, True, "x"]]}, ["row 0", "expected 4 values", "got 3"]),
        ({"instances": [ROWS[0], [1, "yes", 5, None]]}, ["row 1, column 'ok?': expected true or false, got \"yes\""]),
        ({"instances": [ROWS[0], [1, "yes", 5, 1]]}, ["row 1, column 'plan': expected a string, got 5"]),
        ({"instances": [[True, True, "x", 1]]}, ["row 0, column 'age': expected a number, got true"]),
        ({"instances": [[1, None, "x", 1]]}, ["row 0, column 'ok?'", "got none"]),
        ({"instances": [{"age": 1, "ok?": True, "plan": "x", "b": 1, "c": 2}]}, ["row 0, column 'c': no such column"]),
        ({"instances": [{"age": 1}]}, ["column 'ok?'", "column 'plan'", "column 'b'", "it is missing"]),
        ({"instances": [ROWS[0]], "parameters": {"predict_proba": "yes"}}, ["predict_proba", "true or false"]),
        ({"inputs": []}, ["empty"]),
        (
            {"inputs": [tensor("x", "FP64", [1, 4], [1, 2, 3, 4])]},
            ["column 'plan': expected a string (BYTES), got FP64"],
        ),
        ({"inputs": [tensor("age", "FP64", [1], [1])]}, ["column 'plan' is missing"]),
        ({"inputs": [tensor("age", "FP12", [1], [1])]}, ["no datatype 'FP12'", "FP64"]),
        ({"inputs": [tensor("age", "FP64", [2], [1])]}, ["shape [2]", "1 values"]),
        ({"inputs": [tensor("age", "FP64", [-1], [1])]}, ["negative"]),
        ({"inputs": [tensor("age", "UINT8", [1], [256])]}, ["'age'", "256"]),
        ({"inputs": [tensor("age", "FP64", [2, 2], [[1, 2], [3]])]}, ["'age'", "data"]),
        ({"inputs": [tensor("age", "BYTES", [1], None, binary_data_size=9)]}, ["binary_data_size is 9"]),
        ({"instances": [ROWS[0], [1e39, True, "x", 1]]}, ["row 1, column 'age': expected a number up to 3.4e+38"]),
        ({"inputs": [tensor("age", "FP64", [3], [1, None, "x"])]}, ["row 2, column 'age': expected FP64, got \"x\""]),
        ({"inputs": [tensor("age", "INT8", [2], [1, 200])]}, ["row 1, column 'age': expected INT8, got 200"]),
        ({"inputs": [tensor("x", "FP64", [2, 4], [1] * 6 + [True, 1])]}, ["row 1, column 'plan': expected FP64"]),
        ({"inputs": [tensor("age", "INT8", [2], [1, None])]}, ["a missing value (null) does not fit into INT8"]),
        ({"inputs": [tensor("age", "FP64", [1] * 65, [1])]}, ["shape of at most 8 sizes"]),
        ({"inputs": [tensor("age", "FP64", [0, 2**62], [])]}, ["shape of at most 8 sizes"]),
        ({"inputs": [tensor("age", "FP64", [9 * 10**18] * 10000, [1])]}, ["shape of at most 8 sizes"]),
        ({"instances": [ROWS[0]], "parameters": {"predict_proba": 10**30}}, ["predict_proba", "true or false"]),
        ({"inputs": [tensor("age", "FP64", [1], [1], binary_data_size=10**30)]}, ["binary_data_size"]),
    ],
)
def test_what_does_not_fit_is_said(content: Any, complaints: list[str]) -> None:
    """The message names row and column, and what was expected there."""
    with pytest.raises(InvalidRequest) as error:
        decode(MIXED, content)
    for complaint in complaints:
        assert complaint in str(error.value)


def test_tensors_that_are_expected_are_told_with_their_spelling() -> None:
    dates = Signature((Column("when", "BYTES", form=Dates("%d.%m.%Y")), Column("plan", "BYTES")))
    with pytest.raises(InvalidRequest, match=r"expected 'when' BYTES \[-1\] \(a date or time such as 31\.05\.2024, .*"):
        decode(dates, {"inputs": [tensor("day", "BYTES", [1], ["1.1.2024"])]})


def test_a_message_is_short_enough_for_a_header() -> None:
    wide = Signature(tuple(Column(f"a rather long name {i}", "FP64") for i in range(300)))
    with pytest.raises(InvalidRequest) as error:
        decode(wide, {"instances": [{f"another {i}": i for i in range(300)}] * 100})
    assert len(str(error.value)) <= 2000
    assert len(str(InvalidRequest("語" * 2000)).encode()) <= 2000


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidRequest) as error:
        decode(NUMBERS, {"instances": [[1, "x", 3], [1, 2], [None, 2, True]]})
    assert all(f"row {row}" in str(error.value) for row in range(3))


def test_an_unknown_or_repeated_output_is_refused() -> None:
    X = tensor("x", "FP64", [2, 3], list(range(6)))
    with pytest.raises(InvalidRequest, match="twice"):
        decode(NUMBERS, {"inputs": [X], "outputs": [{"name": "predict"}] * 2})
    with pytest.raises(InvalidRequest, match="outputs are predict, predict_proba"):
        decode(NUMBERS, {"inputs": [X], "outputs": [{"name": "nothing"}]})
