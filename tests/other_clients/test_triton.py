"""Triton's client, over REST and gRPC."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from three_models import MANY, MODELS, NUMBERS, NUMERIC, Served, arrays, plain
from triton_client import Answer, Refused, Tensors

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("model", MODELS)
def test_triton_reads_every_output(ask: tuple[Callable[..., Answer], Served], model: str) -> None:
    """Labels of numbers and of text, numbers and probabilities; by default, by name, and several at once."""
    infer, served = ask
    expected = served.expected[model]
    assert plain(infer(model, arrays(model)).arrays["predict"]) == expected["predict"]
    for names in [[name] for name in expected] + [list(reversed(expected))]:
        answer = infer(model, arrays(model), names)
        for name in names:
            assert plain(answer.arrays[name]) == expected[name]


@pytest.mark.parametrize("datatype", NUMERIC)
def test_triton_sends_numbers_of_every_datatype(ask: tuple[Callable[..., Answer], Served], datatype: str) -> None:
    infer, served = ask
    answer = infer("numbers", {"input-0": (np.array(NUMBERS, NUMERIC[datatype]), datatype)})
    assert plain(answer.arrays["predict"]) == served.expected["numbers"]["predict"]


@pytest.mark.parametrize("binary", list(itertools.product([False, True], repeat=2)), ids=str)
def test_triton_chooses_json_or_binary_for_each_tensor(
    on_any: Served, triton: Callable[..., Answer], binary: tuple[bool, bool]
) -> None:
    for model in MODELS:
        tensors = arrays(model)
        tensors.pop("age", None)  # JSON has no NaN; a column with missing values may be left out
        arguments = ("http", on_any.server.http, model, tensors, list(on_any.expected[model]))
        answer, otherwise = triton(*arguments, binary), triton(*arguments)
        assert answer.in_json == (set() if binary[1] else answer.arrays.keys())
        for name, values in answer.arrays.items():
            assert plain(values) == plain(otherwise.arrays[name])


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({"input-0": (np.zeros((0, 4)), "FP64")}, "expected 'input-0' FP64 [-1, 4]"),
        ({"input-0": (np.zeros((1, 3)), "FP64")}, "has shape [1, 3]"),
        ({"input-0": (np.full((1, 4), np.inf), "FP64")}, "row 0, column"),
        ({"input-0": (np.full((1, 4), np.nan), "FP64")}, "row 0, column"),
        ({"input-0": (np.array([["a"] * 4], np.object_), "BYTES")}, "got BYTES"),
        # All of it would not fit in gRPC's metadata, which is where its messages travel.
        ({"é€😀" * 1000: (np.zeros(1), "FP64"), "b": (np.zeros(1), "FP64")}, "é€😀é€😀"),
    ],
    ids=["no-rows", "width", "infinite", "missing", "text", "long-name"],
)
def test_triton_is_told_what_is_wrong(
    ask: tuple[Callable[..., Answer], Served], tensors: Tensors, complaint: str
) -> None:
    infer, _ = ask
    with pytest.raises(Refused) as error:
        infer("numbers", tensors)
    assert error.value.status in ("400", "StatusCode.INVALID_ARGUMENT")
    assert complaint in error.value.message


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_rest_sends_answers_that_are_larger_than_any_request(
    on_any: Served, triton: Callable[..., Answer], binary: bool
) -> None:
    arguments = ("numbers", {"input-0": (MANY, "INT8")}, ["predict_proba"], (True, binary))
    answer = triton("http", on_any.server.http, *arguments)
    np.testing.assert_allclose(answer.arrays["predict_proba"], on_any.many, rtol=1e-5)


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_triton_compresses_both_ways(ask: tuple[Callable[..., Answer], Served], compression: str) -> None:
    infer, served = ask
    answer = infer("numbers", {"input-0": (MANY, "INT8")}, ["predict_proba"], None, compression)
    np.testing.assert_allclose(answer.arrays["predict_proba"], served.many, rtol=1e-5)


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_triton_compresses_json(on_any: Served, triton: Callable[..., Answer], compression: str) -> None:
    """In which numbers get smaller."""
    arguments = ("numbers", {"input-0": (MANY, "INT8")}, ["predict_proba"], (True, False), compression)
    answer = triton("http", on_any.server.http, *arguments)
    np.testing.assert_allclose(answer.arrays["predict_proba"], on_any.many, rtol=1e-5)
