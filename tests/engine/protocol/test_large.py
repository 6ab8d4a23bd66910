"""Promises of large requests: read in slices, they are what they are when read whole, right or wrong."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Column, Signature
from _engine.protocol import plain
from _engine.protocol.large import Large
from _engine.protocol.media import PLAIN
from _engine.protocol.requests import Decoder, Request
from _engine.protocol.slices import NotPlain
from _engine.protocol.tensors import DATATYPES, InvalidRequest
from forms import NUMBERS, OUTPUTS, PARSERS

SIGNATURES = {
    "numbers": NUMBERS,
    "one column": Signature((Column("a", "FP64"),)),
    "nullable": Signature(
        (Column("a", "FP64", nullable=True), Column("b", "BOOL", nullable=True), Column("c", "FP64")), ("-999",)
    ),
    "tensors": Signature((Column("image", "FP64", shape=(2, 3)),)),
    "text": Signature((Column("plan", "BYTES", nullable=True), Column("age", "FP64"), Column("ok?", "BOOL"))),
}
NUMBERS_OF_JSON = ["1", "-2.5", "3e2", "0", "1E-7", "123456789012345678901234567890", "0.1", "-999", "7"]
ODD = ["null", "true", "false", '"x"', "[1]", "[]", "1e39", "1e999", "{}", "", "01", "-", "[[1, 2], 3]", '"]"']


def whole(decoder: Decoder, body: bytes, size: int | None, v1: bool) -> Any:
    """What is read at once: the request without its input, and its input; or what is wrong."""
    try:
        request = decoder.decode(body, size, v1)
    except InvalidRequest as error:
        return str(error)
    return request._replace(X=None), request.X


def sliced(decoder: Decoder, body: bytes, size: int | None, v1: bool, slice: int) -> Any:
    """The same, read in slices; None where it has to be read whole."""
    steps = Large(decoder, 10**6, slice).decode(body, size, v1, PLAIN)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        found: list[Request] = end.value
        assert len({request._replace(X=None) for request in found}) == 1
        X = [request.X for request in found]
        return found[0]._replace(X=None), np.concatenate(X) if isinstance(X[0], np.ndarray) else pd.concat(X)
    except InvalidRequest as error:
        return str(error)
    except NotPlain:
        return None


def same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        # Of what is no JSON, whichever mistake comes first may be told.
        return bool(one == other) or (isinstance(other, str) and "is not JSON" in str(one))
    if one[0] != other[0] or type(one[1]) is not type(other[1]):
        return False
    if isinstance(one[1], pd.DataFrame):
        return one[1].equals(other[1].reset_index(drop=True))
    return one[1].dtype == other[1].dtype and one[1].shape == other[1].shape and one[1].tobytes() == other[1].tobytes()


class Bodies:
    """Random bodies for a model, as clients write them, with odd values at a rate."""

    def __init__(self, signature: Signature, chance: random.Random, rate: float) -> None:
        self.signature, self.chance, self.rate = signature, chance, rate

    def space(self) -> str:
        return self.chance.choice(["", "", "", " ", "\n", "\t\r\n  "])

    def listed(self, items: list[str]) -> str:
        comma = f"{self.space()},{self.space()}"
        return f"[{self.space()}{comma.join(items)}{self.space()}]"

    def value(self, datatype: str = "FP64") -> str:
        if self.chance.random() < self.rate:
            return self.chance.choice(ODD)
        if datatype == "BOOL":
            return self.chance.choice(["true", "false"])
        return str(self.chance.randrange(100)) if "INT" in datatype else self.chance.choice(NUMBERS_OF_JSON)

    def nested(self, shape: list[int], datatype: str) -> str:
        if not shape:
            return self.value(datatype)
        size = shape[0] + (self.chance.random() < self.rate / 4)
        return self.listed([self.nested(shape[1:], datatype) for _ in range(size)])

    def row(self) -> str:
        if self.signature.tensor:
            return self.nested(list(self.signature.tensor), "FP64")
        columns = list(self.signature.columns)
        if self.chance.random() < self.rate / 4:
            columns += columns[:1]
        return self.listed(["null" if c.datatype == "BYTES" else self.value(c.datatype) for c in columns])

    def v1(self) -> str:
        row = self.value if self.chance.random() < self.rate else self.row  # a list is missing around each
        rows = self.listed([row() for _ in range(self.chance.randrange(40))])
        parameters = self.chance.choice(
            ['{"predict_proba": true}', "{}", '{"outputs": ["predict"]}', '{"x": [1]}', "3"]
        )
        fields = [f'"instances"{self.space()}:{self.space()}{rows}']
        if self.chance.random() < 0.3:
            fields.append(f'"parameters": {parameters}')
        if self.chance.random() < 0.2:
            fields.append(self.chance.choice(['"id": "\\"data\\":[1]"', '"other": [1, 2]', '"instances": [[1]]']))
        self.chance.shuffle(fields)
        return "{" + ", ".join(fields) + "}"

    def tensor(self, name: str, shape: list[int]) -> str:
        datatype = self.chance.choice([name for name in DATATYPES if name not in ("BYTES", "BOOL")])
        column = next((c for c in self.signature.columns if c.name == name), None)
        if column and column.datatype == "BOOL":
            datatype = "BOOL"
        data = self.nested(shape, datatype)
        if self.chance.random() < 0.5:
            data = self.listed([self.value(datatype) for _ in range(int(np.prod(shape)))])
        wrong = self.chance.random() < self.rate
        fields = [
            f'"name": {json.dumps(name)}',
            f'"shape": {json.dumps([*shape, 1] if wrong else shape)}',
            f'"datatype": "{datatype}"',
            f'"data" : {data}',
        ]
        self.chance.shuffle(fields)
        return "{" + ",".join(fields) + "}"

    def v2(self) -> str:
        rows = self.chance.randrange(40)
        shape = list(self.signature.tensor) or [len(self.signature.columns)]
        tensors = [self.tensor("input-0", [rows, *shape])]
        if not self.signature.tensor and self.chance.random() < 0.5:
            tensors = [self.tensor(name, [rows, 1][: self.chance.randrange(1, 3)]) for name in self.signature.names]
            self.chance.shuffle(tensors)
        fields = [f'"inputs": [{", ".join(tensors)}]']
        if self.chance.random() < 0.3:
            fields.append('"parameters": {"predict_proba": true}')
        if self.chance.random() < 0.3:
            fields.append('"outputs": [{"name": "predict", "parameters": {"binary_data": true}}], "id": "1"')
        self.chance.shuffle(fields)
        return "{" + ", ".join(fields) + "}"

    def mutated(self, body: str) -> str:
        """The body, in which a few characters may be others."""
        if self.chance.random() < self.rate * 5:
            for _ in range(self.chance.randrange(1, 3)):
                at = self.chance.randrange(len(body))
                body = body[:at] + self.chance.choice(["", ",", "]", "[", "1", " ", '"', "}", "e"]) + body[at + 1 :]
        return body


@pytest.mark.parametrize("signature", list(SIGNATURES))
@pytest.mark.parametrize("rate", [0.0, 0.004, 0.05])
def test_read_in_slices_and_at_once_bodies_are_the_same_right_or_wrong(
    signature: str, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of bodies; plain ones are never read whole."""
    decoder = Decoder(SIGNATURES[signature], OUTPUTS)
    chance = random.Random(f"{signature}{rate}")
    bodies = Bodies(SIGNATURES[signature], chance, rate)
    right = wrong = 0
    for _ in range(300):
        v1 = chance.random() < 0.5
        body = bodies.mutated(bodies.v1() if v1 else bodies.v2()).encode()
        expected = whole(decoder, body, None, v1)
        monkeypatch.setattr(plain, "new_parser", chance.choice(PARSERS))
        found = sliced(decoder, body, None, v1, chance.choice([1, 20, 100, 1000]))
        if found is not None:
            assert same(expected, found), (body.decode(), expected, found)
            right += not isinstance(found, str)
            wrong += isinstance(found, str)
    assert right > (40 if rate < 0.05 else -1)
    assert wrong > 10
