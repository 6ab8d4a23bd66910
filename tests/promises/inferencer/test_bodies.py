"""Promises of other servers' bodies on every SDK: the same answers, or a 400 that says why not."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ...trainer.model import MyModel
from .conftest import Server, instances

PATH = "/v1/models/{}:predict"


def bodies(model: MyModel, rows: list[Any]) -> dict[str, Any]:
    """The rows as another server's clients write them; CSV and JSON Lines as text, by its type."""
    names = model.signature.names
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    return {
        "inputs": {"inputs": rows},
        "columns": {"instances": dict(zip(names, map(list, zip(*rows))))},
        "dataframe_split": {"dataframe_split": {"columns": names, "data": rows}},
        "dataframe_records": {"dataframe_records": [dict(zip(names, row)) for row in rows]},
        "one-column records": {"inputs": [[{name: value} for name, value in zip(names, row)] for row in rows]},
        "text/csv": "\n".join(lines),
        "text/csv; header=present": "\n".join([",".join(names), *lines]),
        "application/jsonlines": "\n".join(map(json.dumps, rows)),
    }


FORMS = [
    "inputs",
    "columns",
    "dataframe_split",
    "dataframe_records",
    "one-column records",
    "text/csv",
    "text/csv; header=present",
    "application/jsonlines",
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_answered_as_rows_are(server: Server, case: Any, form: str) -> None:
    name, model, X = case
    body = bodies(model, instances(X))[form]
    content, kind = (body, form) if isinstance(body, str) else (json.dumps(body), "application/json")
    response = server.client.post(PATH.format(name), content=content.encode(), headers={"Content-Type": kind})
    assert response.json() == {"predictions": model.predict(X).tolist()}


def test_the_answer_comes_in_the_form_that_is_accepted(server: Server, case: Any) -> None:
    name, model, X = case
    for kind in ("text/csv", "application/jsonlines"):
        response = server.client.post(PATH.format(name), json={"instances": instances(X)}, headers={"Accept": kind})
        assert response.headers["content-type"] == kind
        assert [line.strip('"') for line in response.text.splitlines()] == [str(item) for item in model.predict(X)]


def test_labels_and_probabilities_come_in_one_answer(server: Server, case: Any) -> None:
    name, model, X = case
    outputs = [output.name for output in model.outputs]
    answer = server.client.post(
        PATH.format(name), json={"instances": instances(X), "parameters": {"outputs": [*outputs[1:], "predict"]}}
    ).json()["predictions"]
    if len(outputs) == 1:
        assert answer == model.predict(X).tolist()
    else:
        assert [item["predict"] for item in answer] == model.predict(X).tolist()
        assert [item["predict_proba"] for item in answer] == model.predict(X, proba=True).tolist()


@pytest.mark.parametrize("path", [PATH, "/v2/models/{}/infer", "/v1/models/{}:explain"])
@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ({"parameters": {"predict_prob": True}}, "predict_prob"),
        ({"outputs": [{"name": "predict"}]}, "outputs"),
        ({"parametres": {}}, "parametres"),
    ],
)
def test_what_is_misspelt_is_refused_by_name(server: Server, case: Any, path: str, extra: Any, complaint: str) -> None:
    name, _, X = case
    response = server.client.post(path.format(name), json={"instances": instances(X), **extra})
    assert response.status_code == 400
    assert complaint in response.json()["error"]


def test_numbers_as_text_and_foreign_columns_pass_only_where_they_may(
    start: Callable[..., Server], server: Server, sample_dir: Path
) -> None:
    model = MyModel(dirpath=sample_dir, runtime="auto")
    (row,) = model.example.tolist()
    record = {**dict(zip(model.signature.names, map(str, row))), "id": 7}
    lenient = start(sample_dir, "--lenient", MODEL_NAME="numbers").wait("numbers")
    answer = lenient.client.post(PATH.format("numbers"), json={"instances": [record]})
    assert answer.json() == {"predictions": model.predict(model.example).tolist()}
    refused = server.client.post(PATH.format("numbers"), json={"instances": [record]})
    assert refused.status_code == 400
    assert "column 'id': no such column" in refused.json()["error"]


def test_a_server_may_start_without_a_model(start: Callable[..., Server], tmp_path: Path, model_dir: Path) -> None:
    server = start(tmp_path, "--allow_no_models")
    shutil.copytree(model_dir, tmp_path / "late")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            server.client.get("/v2/health/live").raise_for_status()
            break
        except httpx.TransportError:
            time.sleep(0.05)
    server.client.post("/v2/repository/models/late/load").raise_for_status()
    assert server.client.get("/v1/models/late").status_code == 200
