"""Promises of drift on every SDK: all ways in count alike, and a model without drift.json says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...trainer.model import MyModel
from .conftest import Server, instances

EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "test", "ce-type": "rows"}


def metric(server: Server, name: str, **labels: str) -> float:
    """A metric of the model "table", 0 where nobody has asked it yet."""
    shown = ",".join(f'{label}="{value}"' for label, value in sorted({"model_name": "table", **labels}.items()))
    found = re.search(rf"^{name}{{{shown}}} (\S+)$", server.client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def asked(way: str, model: MyModel, X: Any) -> dict[str, Any]:
    """The rows as httpx sends them one way."""
    rows, records = instances(X), instances(X, records=True)
    tensors = [
        {"name": item.name, "datatype": item.datatype, "shape": [len(X)], "data": list(column)}
        for item, column in zip(model.signature.inputs, zip(*rows))
    ]
    v1, v2 = "/v1/models/table:predict", "/v2/models/table/infer"
    found: dict[str, dict[str, Any]] = {
        "lists": {"url": v1, "json": {"instances": rows}},
        "records": {"url": v1, "json": {"instances": records}},
        "lines": {
            "url": v1,
            "content": "\n".join(map(json.dumps, rows)),
            "headers": {"content-type": "application/jsonlines"},
        },
        "event": {"url": v1, "json": {"instances": rows}, "headers": EVENT},
        "v2": {"url": v2, "json": {"inputs": tensors}},
        "large": {"url": v1, "json": {"instances": rows}},
    }
    return found[way]


@pytest.mark.parametrize("way", ["lists", "records", "lines", "event", "v2", "large"])
def test_all_ways_count_alike(server: Server, model: MyModel, table: Any, way: str) -> None:
    X: Any = model.signature.conform(table[0])
    repeated = 300 if way == "large" else 1
    request = asked(way, model, X.loc[X.index.repeat(repeated)] if repeated > 1 else X)
    before = metric(server, "inference_drift_rows")
    assert server.client.post(**request).status_code == 200
    assert metric(server, "inference_drift_rows") - before == len(X) * repeated


def test_rows_that_moved_are_seen_to_move(start: Callable[..., Server], repository: Path, table: Any) -> None:
    """The rows of training have not moved, and neither have their answers; others have."""
    server = start(repository).wait("table")
    send = server.client.post
    same = table[0]
    assert send("/v1/models/table:predict", json={"instances": instances(same)}).status_code == 200
    psi = {"name": "inference_drift_psi", "column": "age"}
    assert metric(server, **psi) == 0
    assert metric(server, "inference_drift_prediction_psi") == 0
    assert metric(server, "inference_drift_rows") == len(same)
    ratio = {"column": "plan"}
    missing, in_training = "inference_drift_missing_ratio", "inference_drift_training_missing_ratio"
    assert metric(server, missing, **ratio) == metric(server, in_training, **ratio) == pytest.approx(8 / 120)
    moved = same.assign(age=90.0, plan="free")
    for _ in range(9):
        assert send("/v1/models/table:predict", json={"instances": instances(moved)}).status_code == 200
    assert metric(server, **psi) > 0.25
    assert metric(server, "inference_drift_prediction_psi") > 0.25
    assert metric(server, "inference_drift_unseen_ratio", **ratio) == pytest.approx(0.9)
    assert metric(server, "inference_drift_watched") == 1
