"""Promises of the codec: every form of a request means the same, and whatever does not fit is said."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol.codec import Codec, Output
from _engine.protocol.tensors import DATATYPES, InvalidRequest, NamedArray

NUMBERS = Signature(tuple(Column(name, "FP64") for name in ("a", "b", "c")))
MIXED = Signature(
    (Column("age", "FP64", nullable=True), Column("ok?", "BOOL"), Column("plan", "BYTES"), Column("b", "FP64"))
)
IMAGES = Signature((Column("image", "FP64", shape=(2, 3)),))
OUTPUTS = (Tensor("predict", "INT64", (-1,)), Tensor("predict_proba", "FP64", (-1, 2)))
ROWS: list[list[Any]] = [[40.5, True, "pro", 1.0], [None, False, "naïve", 2.0]]


def decode(signature: Signature, content: Any, **options: Any) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Codec(signature, OUTPUTS).decode(body, **options).X


def tensor(name: str, datatype: str, shape: list[int], data: Any, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data, "parameters": parameters}


def mixed_forms() -> dict[str, Any]:
    columns = list(zip(MIXED.columns, zip(*ROWS)))
    return {
        "rows": {"instances": ROWS},
        "records": {"instances": [dict(zip(MIXED.names, row)) for row in ROWS]},
        "records in another order": {"instances": [dict(reversed([*zip(MIXED.names, row)])) for row in ROWS]},
        "records without the gap": {
            "instances": [{k: v for k, v in zip(MIXED.names, row) if v is not None} for row in ROWS]
        },
        "tensors": {"inputs": [tensor(c.name, c.datatype, [2], values) for c, values in columns]},
        "columns in another order": {"inputs": [tensor(c.name, c.datatype, [2], v) for c, v in reversed(columns)]},
        "columns of width 1": {"inputs": [tensor(c.name, c.datatype, [2, 1], [[x] for x in v]) for c, v in columns]},
    }


@pytest.mark.parametrize("form", mixed_forms())
def test_every_form_of_a_table_is_the_same_table(form: str) -> None:
    expected = MIXED.conform(ROWS)
    pd.testing.assert_frame_equal(decode(MIXED, mixed_forms()[form]), expected)


IMAGE = [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "content",
    [
        {"instances": [IMAGE, IMAGE]},
        {"instances": [{"image": IMAGE}, {"image": IMAGE}]},
        {"inputs": [tensor("image", "UINT8", [2, 2, 3], [IMAGE, IMAGE])]},
        {"inputs": [tensor("pixels", "FP32", [2, 2, 3], [1, 2, 3, 4, 5, 6] * 2)]},
    ],
    ids=["rows", "records", "nested tensor", "flat tensor"],
)
def test_rows_that_are_tensors_are_read_in_every_form(content: Any) -> None:
    np.testing.assert_array_equal(decode(IMAGES, content), np.array([IMAGE, IMAGE], dtype=float))


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


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name not in ("BOOL", "BYTES")])
@pytest.mark.parametrize("form", ["flat", "nested", "binary", "columns"])
def test_every_datatype_of_numbers_is_read_in_every_form(datatype: str, form: str) -> None:
    X = np.array([[1, 2, 3], [4, 5, 6]], dtype=DATATYPES[datatype][0])
    options: dict[str, Any] = {}
    if form == "columns":
        columns = [tensor(name, datatype, [2], column) for name, column in zip("abc", X.T.tolist())]
        body = json.dumps({"inputs": columns}).encode()
    elif form == "binary":
        item = tensor("x", datatype, [2, 3], None, binary_data_size=X.nbytes)
        del item["data"]
        body = json.dumps({"inputs": [item]}).encode()
        options["json_size"] = len(body)
        body += X.tobytes()
    else:
        data = X.tolist() if form == "nested" else X.ravel().tolist()
        body = json.dumps({"inputs": [tensor("x", datatype, [2, 3], data)]}).encode()
    np.testing.assert_array_equal(decode(NUMBERS, body, **options), X.astype(np.float64))


def test_binary_numbers_are_not_copied() -> None:
    X = np.arange(6.0).reshape(2, 3)
    head = json.dumps(
        {"inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 3], "parameters": {"binary_data_size": 48}}]}
    )
    head += " " * (-len(head) % 8)
    body = head.encode() + X.tobytes()
    decoded = decode(NUMBERS, body, json_size=len(head))
    np.testing.assert_array_equal(decoded, X)
    assert np.shares_memory(decoded, np.frombuffer(body, np.uint8))


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
        ({"inputs": [tensor("age", "INT8", [2], [1, None])]}, ["a gap (null) does not fit into INT8"]),
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


def test_a_truth_value_may_be_missing_where_training_saw_gaps() -> None:
    signature = Signature((Column("ok", "BOOL", nullable=True), Column("plan", "BYTES")))
    columns = [tensor("ok", "BOOL", [3], [True, None, False]), tensor("plan", "BYTES", [3], ["a", "b", "c"])]
    np.testing.assert_array_equal(decode(signature, {"inputs": columns})["ok"], [1, np.nan, 0])


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


@pytest.mark.parametrize("signature", [NUMBERS, MIXED])
def test_thousands_of_damaged_requests_are_refused_and_nothing_worse(signature: Signature) -> None:
    """Whatever bytes arrive, they are decoded or refused; no other error comes out."""
    chance = random.Random(0)
    codec = Codec(signature, OUTPUTS)
    good = [json.dumps(form).encode() for form in mixed_forms().values()]
    good.append(json.dumps({"inputs": [tensor("x", "FP64", [1, 3], [1, 2, 3])]}).encode())
    pieces = [b"null", b"[", b"{}", b'"', b"1e999", b"-1", b"true", b"\\ud800", b"\x00", b"[[]]", b"9" * 30, b"\xff"]
    refused = 0
    for _ in range(5000):
        body = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(body))
            body[start : start + chance.randint(0, 9)] = chance.choice(pieces)
        json_size = chance.choice([None, None, chance.randint(-5, len(body) + 5)])
        try:
            codec.decode(bytes(body), json_size)
        except InvalidRequest as error:
            assert str(error)
            refused += 1
    assert refused > 1000


def test_answers_are_written_as_json_or_as_bytes() -> None:
    codec = Codec(NUMBERS, OUTPUTS)
    X = tensor("x", "FP64", [2, 3], list(range(6)))
    labels, scores = np.array(["no", "yés"]), np.array([[0.1, 0.9], [1 / 3, 2 / 3]])
    asked = [{"name": "predict", "parameters": {"binary_data": True}}, {"name": "predict_proba"}]
    request = codec.decode(json.dumps({"id": "7", "inputs": [X], "outputs": asked}).encode())
    body, size = codec.encode("m", request, [Output("predict", labels), Output("predict_proba", scores)])
    answer = json.loads(body[:size])
    assert answer["id"] == "7"
    assert answer["outputs"][0]["parameters"]["binary_data_size"] == len(body[size:]) == 4 + 2 + 4 + 4
    assert answer["outputs"][1]["data"] == scores.ravel().tolist()


def test_an_output_that_is_not_there_or_asked_for_twice_is_refused() -> None:
    X = tensor("x", "FP64", [2, 3], list(range(6)))
    with pytest.raises(InvalidRequest, match="twice"):
        decode(NUMBERS, {"inputs": [X], "outputs": [{"name": "predict"}] * 2})
    with pytest.raises(InvalidRequest, match="outputs are predict, predict_proba"):
        decode(NUMBERS, {"inputs": [X], "outputs": [{"name": "nothing"}]})


def wide_requests(names: list[str], datatype: str) -> dict[str, Any]:
    """A request of each form for columns of these names, and of each mistake that a client can make everywhere."""
    value: Any = "x" if datatype == "BYTES" else 1.5
    wrong, other = (1.5, "FP64") if datatype == "BYTES" else ("x", "BYTES")
    columns = {"inputs": [tensor(name, datatype, [1], [value]) for name in names]}
    raw = b"\x01\0\0\0x" if datatype == "BYTES" else np.float64(value).tobytes()
    size = {"binary_data_size": len(raw)}
    sizes = {"inputs": [{"name": name, "datatype": datatype, "shape": [1], "parameters": size} for name in names]}
    return {
        "rows": {"instances": [[value] * len(names)]},
        "records": {"instances": [dict.fromkeys(names, value)]},
        "matrix": {"inputs": [tensor("x", datatype, [1, len(names)], [value] * len(names))]},
        "columns": columns,
        "columns, nested": {"inputs": [tensor(name, datatype, [1, 1], [[value]]) for name in names]},
        "columns, binary": (sizes, raw * len(names)),
        "rows of the wrong type": {"instances": [[wrong] * len(names)]},
        "rows with gaps": {"instances": [[None] * len(names)]},
        "records of the wrong type": {"instances": [dict.fromkeys(names, wrong)]},
        "records of other columns": {"instances": [{f"other {name}": value for name in names}]},
        "records without columns": {"instances": [{}]},
        "a matrix of the wrong type": {"inputs": [tensor("x", other, [1, len(names)], [wrong] * len(names))]},
        "columns of the wrong type": {"inputs": [tensor(name, other, [1], [wrong]) for name in names]},
        "other columns": {"inputs": [tensor(f"other {name}", datatype, [1], [value]) for name in names]},
        "columns of the wrong shape": {"inputs": [tensor(name, datatype, [2], [value]) for name in names]},
    }


def steps(call: Callable[[], Any]) -> int:
    """How many instructions of Python a call takes."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with contextlib.suppress(InvalidRequest):
            call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("datatype", ["FP64", "BYTES"])
def test_twice_the_columns_take_twice_the_steps(datatype: str) -> None:
    """In every form, refused or not."""
    counts: list[dict[str, int]] = []
    for width in (300, 300, 600):  # the first time, other modules are imported
        signature = Signature(tuple(Column(f"column {i}", datatype) for i in range(width)))  # type: ignore[arg-type]
        codec = Codec(signature, OUTPUTS)
        found = {}
        for form, request in wide_requests(signature.names, datatype).items():
            content, tail = request if isinstance(request, tuple) else (request, b"")
            text = json.dumps(content).encode()
            found[form] = steps(functools.partial(codec.decode, text + tail, len(text)))
        tensors = [NamedArray(name, datatype, np.array([1.5])) for name in signature.names]
        found["tensors"] = steps(functools.partial(codec.from_tensors, tensors))
        counts.append(found)
    assert {form: n for form, n in counts[2].items() if n > 2.5 * counts[1][form]} == {}
