"""Promises of your server: over every protocol it answers as your model does in process."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest

from .._engine.serving.testing import Server, assert_same, tensors
from ..trainer.model import MyModel


@pytest.fixture(scope="session")
def X(model: MyModel) -> Any:
    """Rows in the signature's form."""
    return model.signature.around(model.example, rows=3)


def test_it_is_ready(server: Server) -> None:
    assert server.client.get("/v2/models/m/ready").status_code == 200
    assert server.client.get("/v2/health/ready").status_code == 200


@pytest.mark.parametrize("path", ["/v1/models/m:predict", "/v2/models/m/infer"])
def test_it_answers_rows(server: Server, model: MyModel, rows: list[Any], path: str) -> None:
    answer = server.post(path, {"instances": rows}).json()
    assert_same(answer["predictions"], np.repeat(model.predict(model.example), 3, axis=0))


def test_it_answers_tensors(server: Server, model: MyModel, X: Any) -> None:
    (output,) = server.post("/v2/models/m/infer", {"inputs": tensors(model.signature, X)}).json()["outputs"]
    assert_same(np.reshape(output["data"], output["shape"]), model.predict(X))


def test_it_answers_over_grpc(server: Server, model: MyModel, X: Any) -> None:
    inputs = [InferInput(**item) for item in tensors(model.signature, X)]

    async def infer() -> Any:
        async with InferenceGRPCClient(f"127.0.0.1:{server.grpc}") as client:
            return await client.infer(InferRequest(model_name="m", infer_inputs=inputs))

    assert_same(asyncio.run(infer()).outputs[0].as_numpy(), model.predict(X))


def test_what_does_not_fit_is_the_clients_mistake(server: Server) -> None:
    for instances in ([], [["one", "value", "too", "many"] * 1000], [{"no such column": 1}], "rows"):
        answer = server.post("/v1/models/m:predict", {"instances": instances})
        assert (answer.status_code, list(answer.json())) == (400, ["error"])
