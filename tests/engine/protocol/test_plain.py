"""The promise of plain bodies: parsed quickly or not, a body is the same numbers, bit by bit, or the same mistake."""

from __future__ import annotations

import json
import math
import random
import struct
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol import plain
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import DATATYPES, InvalidRequest
from forms import PARSERS

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
NUMBERS += ["18446744073709551615", "-9223372036854775809", "5e-324", "2.4703282292062328e-324", "-0e5", "3.5e38"]
OTHERS = ["null", "true", "false", '"1"', "[1]", "{}", "1e400", "-1e999", "01", "1.", "", "NaN", "1 2", "[]", "+1"]
OTHERS += [".5", "1e", "-", "0x1", "[[1]]", "Infinity", "1\\u0000", "\x00", "\x0b1", "[" * 2000 + "]" * 2000]
INPUTS = '"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]'
TEXTS = {
    "v1": '{"instances": %s}',
    "asks": '{"instances": %s, "parameters": {"predict_proba": false}}',
    "twice": '{"instances": [[1, 2, 3]], "instances": %s}',
    "then none": '{"instances": %s, "instances": 5}',
    "then text": '{"instances": %s, "instances": "x"}',
    "then an object": '{"instances": %s, "instances": {"a": "b"}}',
    "in other letters": '{"instances": %s, "inst\\u0061nces": [[1, 2, 3]]}',
    "unknown": '{"instances": %s, "colour": "blue"}',
    "a mark": '\ufeff{"instances": %s}',
    "an end": '{"instances": %s}\x00',
    "more behind": '{"instances": %s} {}',
    "v2": "{" + INPUTS + "}",
    "id": '{"id": "7", ' + INPUTS + "}",
    "escapes": '{"\\u0069d": "\\ud83d\\ude00", ' + INPUTS + "}",
    "half an id": '{"id": "\\ud83d", ' + INPUTS + "}",
    "no text": '{"id": "\x01", ' + INPUTS + "}",
    "bad id": '{"id": 7, ' + INPUTS + "}",
    "two ids": '{"id": "7", "id": "8", ' + INPUTS + "}",
    "two": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}, {"name": "y"}]}',
    "two shapes": '{"inputs": [{"shape": [3], "name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "two names": '{"inputs": [{"name": "a", "name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "two datatypes": '{"inputs": [{"datatype": "FP32", "name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "two data": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s, "data": [1, 2, 3]}]}',
    "no data": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s, "data": []}]}',
    "a bracket": '{"inputs": [{"name": "[", "shape": [%d, %d], "datatype": "%s", "data": %s}]}',
    "a shape of text": '{"inputs": [{"name": "[", "shape": "", "datatype": "FP64", "data": [1]}]}',
    "then no inputs": "{" + INPUTS + ', "inputs": 5}',
    "then text in": "{" + INPUTS + ', "inputs": "x"}',
    "more": '{"inputs": [{"name": "x", "shape": [%d, %d], "datatype": "%s", "data": %s, "colour": 1}]}',
}


def value(chance: random.Random, wrong: float) -> str:
    if chance.random() < wrong:
        return chance.choice(OTHERS)
    return number(chance) if chance.random() < 0.3 else chance.choice(NUMBERS)


def number(chance: random.Random) -> str:
    """Any number of 64 bits, in as few digits as it takes, or what lies in the middle between it and the next one."""
    (found,) = struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))
    if not math.isfinite(found):
        return "0"
    above = np.nextafter(found, np.inf)
    if chance.random() < 0.5 or not math.isfinite(above):
        return repr(found)
    return str((Decimal(found) + Decimal(float(above))) / 2)


def body(chance: random.Random, signature: Signature) -> bytes:
    """A body of a few rows, of which most are right."""
    columns, truths = len(signature.columns), [column.datatype == "BOOL" for column in signature.columns]
    wrong = chance.choice((0, 0, 0.05))
    widths = [columns + chance.choice((1, -1)) * (chance.random() < wrong) for _ in range(chance.randrange(1, 6))]
    rows = [["true" if truth else value(chance, wrong) for truth in (*truths, False)[:width]] for width in widths]
    if chance.random() < wrong * 4:  # as many numbers, in rows of other widths
        chance.choice(rows).append((chance.choice(rows) or ["1"]).pop())
    space = chance.choice(("", " ", "\n "))
    comma = f"{space},{space}"
    nested = f"[{space}{comma.join(f'[{comma.join(row)}]' for row in rows)}{space}]"
    flat = f"[{comma.join(value for row in rows for value in row)}]"
    form = chance.choice([*TEXTS])
    if "%s" not in TEXTS[form]:
        text = TEXTS[form]
    elif "%d" not in TEXTS[form]:
        text = TEXTS[form] % (nested if chance.random() > wrong else flat)
    else:
        shape = (len(rows) + (chance.random() < wrong), columns)
        data = nested if chance.random() < 0.4 else flat
        text = TEXTS[form] % (*shape, chance.choice(("FP64", "FP64", "FP32", "FP16", "INT64", "FP8")), data)
    if chance.random() < 0.05:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice('[]{}," 7e') + text[at + chance.randrange(2) :]
    found = text.encode()
    if chance.random() < 0.02:
        return found[: chance.randrange(len(found))]
    at = chance.randrange(len(found))
    return found[:at] + b"\xff" + found[at:] if chance.random() < 0.02 else found


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
    bodies = [(body(chance, signature), chance.random() < 0.5) for _ in range(2500)]
    expected = [told(decoder, *each) for each in bodies]
    assert {isinstance(each, str) for each in expected} == {True, False}
    monkeypatch.setattr(plain, "MANY", 0)
    for parser in PARSERS:
        monkeypatch.setattr(plain, "new_parser", parser)
        for each, said in zip(bodies, expected):
            assert told(decoder, *each) == said, each


def test_simdjson_parses_where_there_is_one() -> None:
    assert plain.new_parser is PARSERS[-1]


@pytest.mark.parametrize("parser", PARSERS)
def test_plain_bodies_are_read_the_quick_way(parser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "new_parser", parser)
    rows = np.random.default_rng(0).normal(size=(500, 3))
    found = plain.rows(json.dumps({"instances": rows.tolist()}).encode(), 3)
    assert found is not None and found.tobytes() == rows.tobytes()
    for data, datatype in ((rows.ravel(), "FP64"), (rows, "FP64"), (rows, "FP32")):
        tensor = {"name": "x", "shape": [500, 3], "datatype": datatype, "data": data.tolist()}
        read = plain.tensor(json.dumps({"id": "7", "inputs": [tensor]}).encode())
        assert read is not None and read[1].tobytes() == rows.astype(DATATYPES[datatype][0]).tobytes()
        assert read[2] == "7"
