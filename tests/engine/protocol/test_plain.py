"""The promise of plain bodies: parsed quickly or not, a body is the same numbers, bit by bit, or the same mistake."""

from __future__ import annotations

import json
import random
from typing import Any, List

import numpy as np
import pytest
from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol import plain
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import InvalidRequest

OUTPUTS = (Tensor("predict", "FP64", (-1,)),)
NULLABLE = (Column("a", "FP64"), Column("b", "FP64", nullable=True), Column("c", "FP64"))
SIGNATURES = {
    "numbers": Signature((Column("a", "FP64"), Column("b", "FP64"), Column("c", "FP64"))),
    "missing": Signature(NULLABLE, missing=("-999",)),
    "truths": Signature((Column("a", "FP64"), Column("b", "BOOL"), Column("c", "FP64"))),
    "one": Signature((Column("a", "FP64"),)),
}
#: Numbers as text, and what stands where one should.
NUMBERS = ["0", "-0", "-0.0", "1.5", "-2e3", "1E+2", "7e-320", "9007199254740993", "18446744073709551616", "-999"]
NUMBERS += ["0.1", "123456789.123456789", "1e-400", "2.2250738585072011e-308", "12345678901234567890123456789"]
OTHERS = ["null", "true", "false", '"1"', "[1]", "{}", "1e400", "-1e999", "01", "1.", "", "NaN", "1 2", "[]"]
TEXTS = {
    "v1": '{"instances": %s}',
    "asks": '{"instances": %s, "parameters": {"predict_proba": false}}',
    "twice": '{"instances": [[1, 2, 3]], "instances": %s}',
    "then none": '{"instances": %s, "instances": 5}',
    "unknown": '{"instances": %s, "colour": "blue"}',
    "v2": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "id": '{"id": "7", "inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "bad id": '{"id": 7, "inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "two": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}, {"name": "y"}]}',
    "then no inputs": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}], "inputs": 5}',
    "more": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s, "colour": 1}]}',
}


def value(chance: random.Random, wrong: float) -> str:
    return chance.choice(OTHERS if chance.random() < wrong else NUMBERS)


def body(chance: random.Random, columns: int) -> bytes:
    """A body of a few rows, of which most are right."""
    wrong = chance.choice((0, 0, 0.05))
    widths = [columns + (chance.random() < wrong) for _ in range(chance.randrange(1, 6))]
    rows = [[value(chance, wrong) for _ in range(width)] for width in widths]
    space = chance.choice(("", " ", "\n "))
    comma = f"{space},{space}"
    nested = f"[{space}{comma.join(f'[{comma.join(row)}]' for row in rows)}{space}]"
    flat = f"[{comma.join(value for row in rows for value in row)}]"
    form = chance.choice([*TEXTS])
    if "%d" not in TEXTS[form]:
        text = TEXTS[form] % nested
    else:
        shape = (len(rows) + (chance.random() < wrong), columns)
        data = nested if chance.random() < 0.2 else flat
        text = TEXTS[form] % (*shape, chance.choice(("FP64", "FP64", "FP32", "INT64")), data)
    if chance.random() < 0.05:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice('[]{}," 7e') + text[at + chance.randrange(2) :]
    return text.encode()


def told(decoder: Decoder, body: bytes, v1: bool) -> Any:
    """All that a body is decoded to, or what is said of it."""
    try:
        X, *rest = decoder.decode(body, v1=v1)
    except InvalidRequest as error:
        return str(error)
    return (X.dtype, X.shape, X.tobytes(), rest) if isinstance(X, np.ndarray) else (X.to_json(), rest)


@pytest.mark.parametrize("name", SIGNATURES)
def test_random_bodies_are_read_alike_with_and_without_the_quick_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = SIGNATURES[name]
    decoder, chance = Decoder(signature, OUTPUTS), random.Random(name)
    bodies = [(body(chance, len(signature.columns)), chance.random() < 0.5) for _ in range(2500)]
    found: List[List[Any]] = []
    for least in (0, 10**9):
        monkeypatch.setattr(plain, "MANY", least)
        found.append([told(decoder, *each) for each in bodies])
    assert found[0] == found[1]
    assert {isinstance(each, str) for each in found[0]} == {True, False}


def test_plain_bodies_are_read_the_quick_way() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 3))
    found = plain.rows(json.dumps({"instances": rows.tolist()}).encode(), 3)
    assert found is not None and found.tobytes() == rows.tobytes()
    tensor = {"name": "x", "shape": [500, 3], "datatype": "FP64", "data": rows.ravel().tolist()}
    read = plain.tensor(json.dumps({"inputs": [tensor]}).encode())
    assert read is not None and read[1].tobytes() == rows.tobytes()
