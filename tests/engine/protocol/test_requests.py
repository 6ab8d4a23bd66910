"""Promises of decoding: every form of a request means the same, and costs what its size makes it cost."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Column, Signature
from _engine.protocol.media import PLAIN, media_of
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import DATATYPES, InvalidRequest, NamedArray
from forms import IMAGE, IMAGES, MIXED, NUMBERS, OUTPUTS, PEERS_FORMS, ROWS, decode, mixed_forms, tensor


@pytest.mark.parametrize("form", mixed_forms())
def test_every_form_of_a_table_is_the_same_table(form: str) -> None:
    expected = MIXED.conform(ROWS)
    pd.testing.assert_frame_equal(decode(MIXED, mixed_forms()[form]), expected)


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


def test_a_truth_value_may_be_missing_where_training_saw_missing_values() -> None:
    signature = Signature((Column("ok", "BOOL", nullable=True), Column("plan", "BYTES")))
    columns = [tensor("ok", "BOOL", [3], [True, None, False]), tensor("plan", "BYTES", [3], ["a", "b", "c"])]
    np.testing.assert_array_equal(decode(signature, {"inputs": columns})["ok"], [1, np.nan, 0])


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("signature", [NUMBERS, MIXED])
def test_thousands_of_damaged_requests_are_refused_and_nothing_worse(signature: Signature, lenient: bool) -> None:
    """Whatever bytes arrive, they are decoded or refused; no other error comes out."""
    chance = random.Random(0)
    decoder = Decoder(signature, OUTPUTS, lenient=lenient)
    media = [PLAIN, PLAIN, *map(media_of, ("text/csv", "text/csv; header=present", "application/jsonlines"))]
    good = [b'age,ok?,plan,b\n1,true,"x",2\n,false,,"1"', b'[1,true,"x",2]\n{"age":1}\n']
    good += [json.dumps(form).encode() for form in (*mixed_forms().values(), *PEERS_FORMS.values())]
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
            decoder.decode(bytes(body), json_size, chance.random() < 0.5, chance.choice(media))
        except InvalidRequest as error:
            assert str(error)
            refused += 1
    assert refused > 1000


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
        "one-column records": {"inputs": [[{name: value} for name in names]]},
        "columns of values": {"inputs": {name: [value] for name in names}},
        "a table": {"instances": [{name: {"0": value} for name in names}]},
        "dataframe_split": {"dataframe_split": {"columns": names, "data": [[value] * len(names)]}},
        "rows of the wrong type": {"instances": [[wrong] * len(names)]},
        "rows with missing values": {"instances": [[None] * len(names)]},
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
        decoder = Decoder(signature, OUTPUTS)
        found = {}
        for form, request in wide_requests(signature.names, datatype).items():
            content, tail = request if isinstance(request, tuple) else (request, b"")
            text = json.dumps(content).encode()
            found[form] = steps(functools.partial(decoder.decode, text + tail, len(text)))
        cells = ",".join(["x" if datatype == "BYTES" else "1.5"] * width).encode()
        for header in (b"", ",".join(signature.names).encode() + b"\n"):
            read = functools.partial(decoder.decode, header + cells, None, True, media_of("text/csv"))
            found[f"csv, header: {bool(header)}"] = steps(read)
        tensors = [NamedArray(name, datatype, np.array([1.5])) for name in signature.names]
        found["tensors"] = steps(functools.partial(decoder.request, tensors, None, None, ()))
        counts.append(found)
    assert {form: n for form, n in counts[2].items() if n > 2.5 * counts[1][form]} == {}


@pytest.mark.parametrize("missing", [(), ("-999",)])
def test_few_rows_that_stay_lists_are_bit_for_bit_those_of_the_array_or_refused_alike(missing: tuple[str, ...]) -> None:
    """What several requests become together is what each would have become."""
    columns = (Column("a", "FP64"), Column("b", "FP64", nullable=True), Column("c", "BOOL", nullable=True))
    decoder = Decoder(Signature(columns, missing), OUTPUTS)
    chance = random.Random(0)
    values = ["0", "-0.0", "1", "0.1", "5e-324", "3.4028235e38", "3.5e38", "1e400", "-999", "null", '"x"', "[]"]
    truths = ["true", "false", "null", "1"]
    lists = 0
    for _ in range(3000):
        rows = [f"[{chance.choice(values)},{chance.choice(values[:9])},{chance.choice(truths[:3])}]"]
        rows *= chance.randrange(3)
        rows += chance.choices(["[1,2,true]", "[1,2]", '{"a":1,"b":2,"c":true}', "[1,2,3]"], [9, 1, 1, 1])
        body = b'{"instances":[%b]}' % ",".join(rows).encode()
        found = []
        for stays in (False, True):
            try:
                X = decoder.decode(body, lists=stays).X
                lists += X.__class__ is list
                found.append(np.array(X, dtype=np.float64).tobytes())
            except InvalidRequest as error:
                found.append(str(error).encode())
        assert found[0] == found[1], body
    assert (lists > 500) == (not missing)


@pytest.mark.parametrize("missing", [(), ("-999",)])
def test_thousands_of_bodies_of_numbers_are_bit_for_bit_what_json_says(missing: tuple[str, ...]) -> None:
    """Over both protocols, flat and nested, by Python's own reading of JSON and numpy's own conversion."""
    columns = tuple(Column(name, "FP64", nullable=True) for name in ("a", "b", "c"))
    decoder = Decoder(Signature(columns, missing), OUTPUTS)
    chance = random.Random(1)
    special = ["0", "-0.0", "null", "-999", "5e-324", "2.2250738585072011e-308", "1e22", "9007199254740993", "1E2"]
    special += ["3.4028234663852886e38", "18446744073709551615", "0.1", "123456789012345678901234567890"]

    def number() -> str:
        which = chance.random()
        if which < 0.7:
            return repr(chance.uniform(-1, 1) * 10.0 ** chance.randrange(-320, 38))
        return chance.choice(special) if which < 0.999 else "true"

    refused = 0
    for _ in range(1000):
        rows = [[number() for _ in columns] for _ in range(chance.randrange(1, 40))]
        nested = "[" + ",".join("[" + ", ".join(row) + "]" for row in rows) + "]"
        flat = "[" + ",".join(itertools.chain.from_iterable(rows)) + "]"
        shape = [len(rows), len(columns)]
        expected = np.array(json.loads(nested), dtype=np.float64)
        expected[expected == -999 if missing else np.zeros(shape, bool)] = np.nan
        for data in (nested, flat):
            bodies = [f'{{"inputs": [{{"name": "x", "datatype": "FP64", "shape": {shape}, "data": {data}}}]}}']
            bodies += [f'{{"instances": {data}}}'] if data is nested else []
            for body in bodies:
                try:
                    X = decoder.decode(body.encode()).X
                except InvalidRequest:
                    assert "true" in body
                    refused += 1
                    continue
                assert "true" not in body and X.flags.writeable
                assert X.tobytes() == expected.tobytes(), body
    assert 0 < refused < 1000
