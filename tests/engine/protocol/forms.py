"""Requests that the tests of this room share: the signatures of three models, and every form of a request for them."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol.requests import Decoder

NUMBERS = Signature(tuple(Column(name, "FP64") for name in ("a", "b", "c")))
MIXED = Signature(
    (Column("age", "FP64", nullable=True), Column("ok?", "BOOL"), Column("plan", "BYTES"), Column("b", "FP64"))
)
IMAGES = Signature((Column("image", "FP64", shape=(2, 3)),))
OUTPUTS = (Tensor("predict", "INT64", (-1,)), Tensor("predict_proba", "FP64", (-1, 2)))
#: What parses plain numbers: simdjson, which KServe's Pythons have, and without it orjson.
PARSERS: list[Any] = [None, import_module("simdjson").Parser] if sys.version_info >= (3, 9) else [None]
IMAGE = [[1, 2, 3], [4, 5, 6]]
ROWS: list[list[Any]] = [[40.5, True, "pro", 1.0], [None, False, "naïve", 2.0]]

RECORDS = [dict(zip(MIXED.names, row)) for row in ROWS]
COLUMNS = dict(zip(MIXED.names, map(list, zip(*ROWS))))
SPLIT = {"columns": MIXED.names[::-1], "index": [7, 8], "data": [row[::-1] for row in ROWS]}
#: Every form of another server's client for the same rows.
PEERS_FORMS: dict[str, Any] = {
    "inputs, rows": {"inputs": ROWS},
    "inputs, records": {"inputs": RECORDS},
    "inputs, columns": {"inputs": COLUMNS},
    "instances, columns": {"instances": COLUMNS},
    "instances, columns with an index": {
        "instances": {name: {"0": first, "1": second} for name, (first, second) in COLUMNS.items()}
    },
    "a list of tables, as to KServe's servers": {
        "instances": [{name: {"0": value} for name, value in record.items()} for record in RECORDS]
    },
    "a list of tables of lists": {"instances": [COLUMNS]},
    "rows of one-column records": {"inputs": [[{name: value} for name, value in row.items()] for row in RECORDS]},
    "dataframe_split": {"dataframe_split": SPLIT},
    "dataframe_split without names": {"dataframe_split": {"data": ROWS}},
    "dataframe_records": {"dataframe_records": RECORDS, "params": None},
    "SageMaker's features": {"instances": [{"features": row} for row in ROWS]},
    "SageMaker's nested features": {"instances": [{"data": {"features": {"values": row}}} for row in ROWS]},
    "TensorFlow Serving's signature": {"signature_name": "serving_default", "instances": ROWS},
}


def decode(signature: Signature, content: Any, **options: Any) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Decoder(signature, OUTPUTS).decode(body, **options).X


def tensor(name: str, datatype: str, shape: list[int], data: Any, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data, "parameters": parameters}


def mixed_forms() -> dict[str, Any]:
    columns = list(zip(MIXED.columns, zip(*ROWS)))
    return {
        "rows": {"instances": ROWS},
        "records": {"instances": [dict(zip(MIXED.names, row)) for row in ROWS]},
        "records in another order": {"instances": [dict(reversed([*zip(MIXED.names, row)])) for row in ROWS]},
        "records without the missing value": {
            "instances": [{k: v for k, v in zip(MIXED.names, row) if v is not None} for row in ROWS]
        },
        "tensors": {"inputs": [tensor(c.name, c.datatype, [2], values) for c, values in columns]},
        "columns in another order": {"inputs": [tensor(c.name, c.datatype, [2], v) for c, v in reversed(columns)]},
        "columns of width 1": {"inputs": [tensor(c.name, c.datatype, [2, 1], [[x] for x in v]) for c, v in columns]},
    }
