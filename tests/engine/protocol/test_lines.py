"""Promises of CSV and JSON Lines, in requests and in answers, as MLflow and SageMaker have them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Column, Signature
from _engine.protocol.answers import Output, encode
from _engine.protocol.media import JSON, PLAIN, media_of
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import InvalidRequest
from forms import IMAGES, MIXED, NUMBERS, OUTPUTS, ROWS, decode

CSV, JSON_LINES = "text/csv", "application/jsonlines"
LINES = '40.5,True,pro,1\n,false,"naïve",2.0\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, LINES),
        (CSV, LINES.replace("\n", "\r\n") + "\r\n"),
        (CSV, "\ufeffage,ok?,plan,b\n" + LINES),
        ("text/csv; charset=utf-8; header=present", 'plan,"b",ok?,age\npro,1,true,40.5\nnaïve,2,false,""\n'),
        ("Text/CSV;header=absent", LINES),
        (JSON_LINES, '[40.5,true,"pro",1]\n\n[null,false,"naïve",2]'),
        ("application/x-ndjson", '{"age":40.5,"ok?":true,"plan":"pro","b":1}\n{"ok?":false,"plan":"naïve","b":2}\n'),
        (JSON_LINES, '{"features":[40.5,true,"pro",1]}\n{"data":{"features":{"values":[null,false,"naïve",2]}}}'),
    ],
)
def test_lines_are_the_rows_that_they_say(content_type: str, body: str) -> None:
    found = decode(MIXED, body.encode(), media=media_of(content_type))
    pd.testing.assert_frame_equal(found, MIXED.conform(ROWS))


def test_a_spelling_of_a_missing_value_is_one_in_csv_too() -> None:
    signature = Signature((Column("a", "FP64", nullable=True), Column("b", "FP64")), missing=("-", "-999"))
    found = decode(signature, b"-,1\n-999,2\n", media=media_of(CSV))
    np.testing.assert_array_equal(found, [[np.nan, 1], [np.nan, 2]])


@pytest.mark.parametrize(
    ("content_type", "body", "complaint"),
    [
        (CSV, b"1,2\n", "row 0: expected 3 values (a, b, c), got 2"),
        (CSV, b"1,2,3\n1,x,3\n", "row 1, column 'b': expected a number, got \"x\""),
        (CSV, b"1,,3\n", "row 0, column 'b': expected a number, got none"),
        (CSV, b"1,1_0,3\n", 'expected a number, got "1_0"'),
        (CSV, b"1,1e39,3\n", "expected a number up to"),
        (CSV, b"1,nan,3\n", "got none"),
        (CSV, b"a,b,d\n1,2,3\n", "row 0, column 'a': expected a number, got \"a\""),
        ("text/csv;header=present", b"a,b,c,d\n1,2,3,4\n", "column 'd': no such column"),
        ("text/csv;header=present", b"a,b,b\n1,2,3\n", "names a column twice"),
        ("text/csv;header=absent", b"a,b,c\n1,2,3\n", "row 0, column 'a': expected a number"),
        ("text/csv;charset=latin-1", b"1,2,3\n", "UTF-8"),
        (CSV, b"\xff\n", "not CSV in UTF-8"),
        (CSV, b'1,"2\n', "not CSV"),
        (CSV, b"1,2," + b"9" * 200_000, "not CSV"),
        (CSV, b"", "empty"),
        (CSV, b"a,b,c\n", "empty"),
        (JSON_LINES, b"[1,2,3]\n[1,2", "line 1: not JSON"),
        (JSON_LINES, b"[1,2,3]\n[1,2]", "row 1: expected 3 values"),
        (JSON_LINES, b"5", "row 0: expected a list"),
        (JSON_LINES, b"", "empty"),
    ],
)
def test_what_is_wrong_is_said(content_type: str, body: bytes, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        decode(NUMBERS, body, media=media_of(content_type))
    assert complaint in str(error.value)


def test_csv_has_no_room_for_rows_that_are_tensors() -> None:
    with pytest.raises(InvalidRequest, match="CSV cannot hold"):
        decode(IMAGES, b"1,2,3,4,5,6\n", media=media_of(CSV))


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("", PLAIN),
        ("application/json; charset=utf-8", PLAIN),
        ("application/x-www-form-urlencoded", PLAIN),
        (";", PLAIN),
    ],
)
def test_what_is_no_other_form_is_json(content_type: str, form: Any) -> None:
    assert media_of(content_type) == form


@pytest.mark.parametrize(
    ("accept", "writes"),
    [
        ("", JSON),
        ("*/*", JSON),
        (CSV, CSV),
        ("text/html, text/csv;q=0.5", CSV),
        ("text/csv;q=0.5, application/json", JSON),
        ("application/jsonlines, text/csv;q=x", JSON_LINES),
        ("image/png", JSON),
    ],
)
def test_the_answer_has_the_form_that_is_accepted(accept: str, writes: str) -> None:
    assert media_of(CSV, accept).writes == writes


@pytest.mark.parametrize("header", ['"' + ";" * 1_000_000, "," * 1_000_000, ';"' * 500_000, 'a;q="' * 200_000])
def test_a_header_takes_no_longer_than_it_is(header: str) -> None:
    """Quotes in front of semicolons kept Python's parser of mail busy for seconds; so many, for an hour."""
    assert media_of(f"{CSV};{header}", header).reads == CSV


LABELS, SCORES = np.array(["a, b", "yés"]), np.array([[0.25, 0.75], [1, 0]])


@pytest.mark.parametrize(
    ("accept", "parameters", "outputs", "expected"),
    [
        (CSV, {}, [LABELS], '"a, b"\nyés\n'),
        (CSV, {"predict_proba": True}, [SCORES], "0.25,0.75\n1.0,0.0\n"),
        (JSON_LINES, {}, [LABELS], '"a, b"\n"yés"\n'),
        (JSON_LINES, {"predict_proba": True}, [SCORES], "[0.25,0.75]\n[1.0,0.0]\n"),
        (
            JSON_LINES,
            {"outputs": ["predict", "predict_proba"]},
            [LABELS, SCORES],
            '{"predict":"a, b","predict_proba":[0.25,0.75]}\n{"predict":"yés","predict_proba":[1.0,0.0]}\n',
        ),
    ],
)
def test_an_answer_has_a_prediction_a_line(accept: str, parameters: Any, outputs: Any, expected: str) -> None:
    body = json.dumps({"instances": [[1, 2, 3], [4, 5, 6]], "parameters": parameters}).encode()
    request = Decoder(NUMBERS, OUTPUTS).decode(body, media=media_of("", accept))
    named = [Output(name, values) for name, values in zip(("predict", "predict_proba"), outputs)]
    assert encode("m", request, named) == (expected.encode(), None, accept)


def test_csv_has_room_for_one_output() -> None:
    body = b'{"instances": [[1, 2, 3]], "parameters": {"outputs": ["predict", "predict_proba"]}}'
    with pytest.raises(InvalidRequest, match="room for one"):
        Decoder(NUMBERS, OUTPUTS).decode(body, media=media_of("", CSV))
