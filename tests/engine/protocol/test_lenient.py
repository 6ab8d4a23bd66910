"""Promises of `--lenient`: numbers as text and foreign columns pass in every form, and are refused without it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from _engine.protocol.media import media_of
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import InvalidRequest
from forms import MIXED, NUMBERS, OUTPUTS, tensor

FORMS: dict[str, Any] = {
    "rows": {"instances": [["1", 2, " 3.0 "]]},
    "records": {"instances": [{"id": 7, "c": "3", "b": 2, "a": "1"}]},
    "columns": {"inputs": {"id": ["x"], "a": ["1"], "b": [2], "c": [3]}},
    "dataframe_split": {"dataframe_split": {"columns": ["id", "c", "b", "a"], "data": [["x", "3", "2", "1"]]}},
    "tensors": {
        "inputs": [tensor("id", "INT64", [1], [7]), *(tensor(n, "BYTES", [1], [v]) for n, v in zip("abc", "123"))]
    },
    "csv": (b"id,c,b,a\nx,3,2,1\n", media_of("text/csv; header=present")),
    "json lines": (b'{"id": 7, "c": "3", "b": 2, "a": "1"}\n', media_of("application/jsonlines")),
}


def decode(form: Any, lenient: bool, signature: Any = NUMBERS) -> Any:
    body, *media = form if isinstance(form, tuple) else (json.dumps(form).encode(),)
    return Decoder(signature, OUTPUTS, lenient=lenient).decode(body, None, False, *media).X


@pytest.mark.parametrize("form", FORMS)
def test_numbers_as_text_and_foreign_columns_pass_where_they_may(form: str) -> None:
    np.testing.assert_array_equal(decode(FORMS[form], True), [[1, 2, 3]])
    with pytest.raises(InvalidRequest):
        decode(FORMS[form], False)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"instances": [{"a": 1, "b": 2}]}, "column 'c': expected a number, and it is missing"),
        ({"instances": [["1", "x", "3"]]}, "column 'b': expected a number, got \"x\""),
        ({"instances": [[1, "", 3]]}, "column 'b': expected a number, got none"),
        ({"instances": [[1, 2, 3, 4]]}, "expected 3 values"),
        ({"instances": [5]}, "row 0"),
        ({"inputs": [tensor("a", "BYTES", [1], ["x"])]}, "column 'a': expected a number (FP64), got BYTES"),
        ({"inputs": [tensor("x", "BYTES", [1, 3], ["1", "2", "3"])]}, "expected a number"),
    ],
)
def test_other_mistakes_stay_mistakes(content: Any, complaint: str) -> None:
    """A column that is missing, where training saw none, too: no model learnt what to answer."""
    with pytest.raises(InvalidRequest) as error:
        decode(content, True)
    assert complaint in str(error.value)


def test_text_and_truth_values_stay_what_they_are() -> None:
    (row,) = decode({"instances": [["1", True, "2", "3"]]}, True, MIXED).to_numpy().tolist()
    assert row == [1, 1, "2", 3]
