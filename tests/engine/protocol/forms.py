"""Requests that the tests of this room share: the signatures of three models, and every form of a request for them."""

from __future__ import annotations

import json
from typing import Any

from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol.requests import Decoder

NUMBERS = Signature(tuple(Column(name, "FP64") for name in ("a", "b", "c")))
MIXED = Signature(
    (Column("age", "FP64", nullable=True), Column("ok?", "BOOL"), Column("plan", "BYTES"), Column("b", "FP64"))
)
IMAGES = Signature((Column("image", "FP64", shape=(2, 3)),))
OUTPUTS = (Tensor("predict", "INT64", (-1,)), Tensor("predict_proba", "FP64", (-1, 2)))
IMAGE = [[1, 2, 3], [4, 5, 6]]
ROWS: list[list[Any]] = [[40.5, True, "pro", 1.0], [None, False, "naïve", 2.0]]


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
