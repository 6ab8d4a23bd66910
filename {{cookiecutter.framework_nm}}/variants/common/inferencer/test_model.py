"""Promises of your server: over REST it answers as your model does in process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .._engine.serving.testing import Server, assert_same, tensors
from ..trainer.model import MyModel


def test_it_is_ready(server: Server) -> None:
    assert server.client.get("/v1/models/m").json() == {"name": "m", "ready": True}


@pytest.mark.parametrize("path", ["/v1/models/m:predict", "/v2/models/m/infer"])
def test_it_answers_rows(server: Server, model: MyModel, rows: list[Any], path: str) -> None:
    answer = server.post(path, {"instances": rows}).json()
    assert_same(answer["predictions"], np.repeat(model.predict(model.example), 3, axis=0))


def test_it_answers_tensors(server: Server, model: MyModel) -> None:
    X = model.signature.around(model.example, rows=3)
    (output,) = server.post("/v2/models/m/infer", {"inputs": tensors(model.signature, X)}).json()["outputs"]
    assert_same(np.reshape(output["data"], output["shape"]), model.predict(X))


def test_what_does_not_fit_is_the_clients_mistake(server: Server) -> None:
    for instances in ([], [["one", "value", "too", "many"] * 1000], [{"no such column": 1}], "rows"):
        answer = server.post("/v1/models/m:predict", {"instances": instances})
        assert (answer.status_code, list(answer.json())) == (400, ["error"])
