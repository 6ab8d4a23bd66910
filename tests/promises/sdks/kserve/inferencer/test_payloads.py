"""Promises of the log of payloads: rows are written by the columns' names, in whatever form they were sent."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from ..._engine.serving.testing import Server, free_port, tensors
from ...trainer.model import MyModel
from .conftest import instances


def events(identifier: str, request: Any, answer: Any) -> list[dict[str, Any]]:
    """What KServe's logger posts of a request, as httpx takes it."""
    found = []
    for kind, body in (("request", request), ("response", answer)):
        attributes = {"id": identifier, "type": f"org.kubeflow.serving.inference.{kind}", "source": "pod"}
        headers = {"Ce-Specversion": "1.0", **{f"Ce-{name}": value for name, value in attributes.items()}}
        found.append({"headers": headers, "json": body})
    return found


def test_rows_of_every_form_are_written_by_the_names_of_the_columns_with_their_answers(
    server: Server, model: MyModel, table: Any, tmp_path: Path
) -> None:
    X: Any = model.signature.conform(table[0])
    port, engine = free_port(), f"{__package__.split('.')[0]}._engine"
    url = f"http://127.0.0.1:{server.http}/v2/models/table"
    command = [sys.executable, "-m", f"{engine}.payloads", f"--folder={tmp_path}", f"--port={port}"]
    receiver = subprocess.Popen([*command, f"--model_url={url}"])
    try:
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=0))
        while not _ready(client):
            assert receiver.poll() is None
            time.sleep(0.05)
        forms = {
            "lists": ("/v1/models/table:predict", {"instances": instances(X)}),
            "records": ("/v1/models/table:predict", {"instances": instances(X, records=True)}),
            "tensors": ("/v2/models/table/infer", {"inputs": tensors(model.signature, X)}),
        }
        for form, (path, body) in forms.items():
            answer = server.client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            for event in events(form, body, answer.json()):
                assert client.post("/", **event).status_code == 200
        client.close()
    finally:
        receiver.terminate()
        receiver.wait(30)
    (file,) = tmp_path.iterdir()
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [row["logged_id"] for row in rows] == [form for form in forms for _ in range(len(X))]
    for at, row in enumerate(rows):
        assert {name for name in row if not name.startswith("logged_")} == {*model.signature.names}
        assert row["logged_answer"] == rows[at % len(X)]["logged_answer"] is not None
    written = pd.DataFrame(rows[: len(X)])[model.signature.names]
    pd.testing.assert_frame_equal(*(pd.DataFrame(model.signature.conform(each)) for each in (written, table[0])))


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
