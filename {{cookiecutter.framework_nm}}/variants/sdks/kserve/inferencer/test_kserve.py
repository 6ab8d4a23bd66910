"""Promises of your server that only KServe's make: it answers over gRPC, and says by V2 whether it is ready."""

from __future__ import annotations

import asyncio
from typing import Any

from kserve import InferenceGRPCClient, InferInput, InferRequest

from .._engine.serving.testing import Server, assert_same, tensors
from ..trainer.model import MyModel


def test_it_is_ready(server: Server) -> None:
    assert server.client.get("/v2/models/m/ready").status_code == 200
    assert server.client.get("/v2/health/ready").status_code == 200


def test_it_answers_over_grpc(server: Server, model: MyModel) -> None:
    X = model.signature.around(model.example, rows=3)
    inputs = [InferInput(**item) for item in tensors(model.signature, X)]

    async def infer() -> Any:
        async with InferenceGRPCClient(f"127.0.0.1:{server.grpc}") as client:
            return await client.infer(InferRequest(model_name="m", infer_inputs=inputs))

    assert_same(asyncio.run(infer()).outputs[0].as_numpy(), model.predict(X))
