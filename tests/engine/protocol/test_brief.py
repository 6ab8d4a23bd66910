"""The promise of few numbers in V2: read as rows or as arrays, they are the same numbers, or the same mistake."""

from __future__ import annotations

import json
import random
import struct
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pytest
from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import InvalidRequest

OUTPUTS = (Tensor("predict", "FP64", (-1,)), Tensor("predict_proba", "FP64", (-1, 2)))
NUMBERS = (Column("a", "FP64"), Column("b", "FP64"), Column("c", "FP64"))
SIGNATURES = {
    "numbers": Signature(NUMBERS),
    "nullable": Signature((NUMBERS[0], Column("b", "FP64", nullable=True), NUMBERS[2])),
    "missing": Signature(NUMBERS, missing=("-999",)),
    "truths": Signature((NUMBERS[0], Column("b", "BOOL"), NUMBERS[2])),
    "text": Signature((NUMBERS[0], Column("b", "BYTES"), NUMBERS[2])),
    "unused": Signature(NUMBERS, unused={"d": "it is a name"}),
    "one": Signature((Column("a", "FP64"),)),
    "many": Signature(tuple(Column(f"c{at}", "FP64") for at in range(20))),
    "a tensor": Signature((Column("a", "FP64", shape=(2, 2)),)),
}
#: Those whose requests stay rows.
STAY = ("numbers", "nullable", "unused", "one", "many")
VALUES = [0, -0.0, 1, 0.1, -2.5e3, 7e-320, 9007199254740993, 1e-46, 3.4028235e38, -999, 123456789.123456789]
OTHERS = [None, True, "1", 1e39, -1e308, [1.0], 1e400]
LETTERS = {"FP64": "d", "FP32": "f", "INT32": "i", "INT64": "q"}
PARAMETERS: List[Optional[Dict[str, Any]]] = [
    *[None] * 8,
    *({"content_type": kind} for kind in ("pd", "np", "other")),
    *({"predict_proba": True}, {"binary_data_output": True}, {"colour": 1}, {}),
]


def tensor(chance: random.Random, name: str, shape: List[int], wrong: float) -> Tuple[Dict[str, Any], bytes]:
    """An input, and what of it follows the JSON."""
    count = int(np.prod(shape)) + (chance.random() < wrong)
    datatype = chance.choice(["FP64"] * 4 + ["FP32"] * 2 + ["INT32", "INT64"])
    values = [chance.choice(OTHERS if chance.random() < wrong else VALUES) for _ in range(count)]
    if datatype.startswith("INT"):
        values = [chance.randrange(-9, 9) for _ in range(count)]
    if chance.random() < wrong:
        datatype = chance.choice(["FP16", "BOOL", "BYTES", "FP65", "fp64"])
    item: Dict[str, Any] = {"name": name, "shape": shape, "datatype": datatype}
    if chance.random() < 0.4 and datatype in LETTERS and all(isinstance(value, (int, float)) for value in values):
        numbers = np.array(values, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            raw = numbers.astype({"d": "f8", "f": "f4", "i": "i4", "q": "i8"}[LETTERS[datatype]]).tobytes()
        size: Any = chance.choice([len(raw)] * 9 + [len(raw) - 1, float(len(raw)), True, "8"])
        item["parameters"] = {"binary_data_size": size}
        if chance.random() < wrong:
            item["parameters"]["content_type"] = "np"
        return item, raw
    item["data"] = values
    if chance.random() < wrong:
        item["parameters"] = chance.choice([{"content_type": "np"}, {"colour": 1}, {}, None])
    return item, b""


def body(chance: random.Random, signature: Signature) -> Tuple[bytes, Optional[int]]:
    """A request, most often for a few rows of which most are right, and where its binary tensors begin."""
    wrong = chance.choice((0, 0, 0.06))
    rows, names = chance.choice((1, 1, 1, 2, 5, 30)), list(signature.names)
    if chance.random() < wrong:
        names[0] = chance.choice(names)
    shapes = [[rows], [rows, 1]] + ([[rows + 1], [], [-rows], [1, rows], [0]] if wrong else [])
    if chance.random() < 0.5:
        given = [(chance.choice(["x", names[-1]] if wrong else ["x"]), [rows, len(names)])]
        if chance.random() < wrong:
            given = [("x", chance.choice([[rows, len(names) + 1], [-rows, -len(names)], [rows * len(names)], []]))]
    else:
        chance.shuffle(names)
        given = [(name, chance.choice(shapes)) for name in names[: len(names) - (chance.random() < wrong)]]
    tensors = [tensor(chance, name, shape, wrong) for name, shape in given]
    request: Dict[str, Any] = {"inputs": [item for item, _ in tensors]}
    asked = chance.choice(PARAMETERS)
    if asked is not None:
        request["parameters"] = asked
    if chance.random() < 0.2:
        request["id"] = "7"
    if chance.random() < 0.2:
        request["outputs"] = [{"name": chance.choice(["predict", "predict_proba", "other"])}]
    text = json.dumps(request).replace("Infinity", "1e400").encode()
    tail = b"".join(raw for _, raw in tensors) + bytes(chance.random() < wrong)
    return (text + tail, len(text)) if tail else (text, chance.choice((None, len(text))))


def read(decoder: Decoder, content: bytes, size: Optional[int], lists: bool) -> Any:
    """What is decoded, bit by bit, or what is said to be wrong with it."""
    try:
        found = decoder.decode(content, size, lists=lists)
    except InvalidRequest as error:
        return str(error)
    return found[1:], found.X.to_json() if hasattr(found.X, "to_json") else np.array(found.X, dtype=float).tobytes()


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("signature", SIGNATURES)
def test_few_numbers_are_the_same_as_rows_and_as_arrays(signature: str, lenient: bool) -> None:
    chance = random.Random(signature)
    decoder = Decoder(SIGNATURES[signature], OUTPUTS, lenient=lenient)
    stayed = 0
    for _ in range(1000):
        content, size = body(chance, SIGNATURES[signature])
        as_rows = read(decoder, content, size, True)
        assert as_rows == read(decoder, content, size, False), content
        stayed += isinstance(as_rows, tuple) and isinstance(decoder.decode(content, size, lists=True).X, list)
    assert stayed > 30 if signature in STAY and not lenient else stayed == 0


def test_single_precision_is_what_a_client_has_sent() -> None:
    item = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.1, 16777217, 1e-46]}
    content = json.dumps({"inputs": [item]}).encode()
    (row,) = Decoder(SIGNATURES["numbers"], OUTPUTS).decode(content, lists=True).X
    assert row == struct.unpack("3f", struct.pack("3f", 0.1, 16777217, 1e-46))
