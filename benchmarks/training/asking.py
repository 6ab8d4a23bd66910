"""Asks a server of all models for rows in three ways: rows over REST, tensors over REST, and tensors over gRPC.

Runs in the project's environment, as measuring.py does.
"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import numpy as np

#: What each model's only version is called.
SAVED = "0001"


def ask(package: str, models: Path, asked: dict[str, Any]) -> dict[str, str]:
    """How the answers to each model's rows differ from those of the model in process; "" where they do not."""
    testing = importlib.import_module(f"{package}._engine.serving.testing")
    model_class = importlib.import_module(f"{package}.trainer.model").MyModel
    found = {}
    with testing.Server(models, next(iter(asked))) as server:
        for name, X in asked.items():
            model = model_class(dirpath=models / name / SAVED, runtime="auto")
            try:
                _compare(testing, server, name, model, model.signature.conform(X))
            except Exception as error:
                found[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            else:
                found[name] = ""
    return found


def _compare(testing: Any, server: Any, name: str, model: Any, X: Any) -> None:
    """Raises AssertionError, or what else a client comes upon."""
    rows = importlib.import_module(testing.__package__.replace("serving", "contract.rows")).to_json(model.signature, X)
    tensors, expected = testing.tensors(model.signature, X), model.predict(X)
    v1 = server.post(f"/v1/models/{name}:predict", {"instances": rows}).raise_for_status().json()
    testing.assert_same(v1["predictions"], expected)
    v2 = server.post(f"/v2/models/{name}/infer", {"inputs": tensors}).raise_for_status().json()
    testing.assert_same(v2["outputs"][0]["data"], expected)
    testing.assert_same(asyncio.run(_over_grpc(server, name, tensors)), expected)


async def _over_grpc(server: Any, name: str, tensors: list[dict[str, Any]]) -> np.ndarray:
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    inputs = []
    for tensor in tensors:
        item = InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        missing = "" if tensor["datatype"] == "BYTES" else np.nan
        values = np.array([missing if value is None else value for value in tensor["data"]])
        kind = {"BYTES": object, "BOOL": bool}.get(tensor["datatype"], np.float64)
        item.set_data_from_numpy(values.astype(kind).reshape(tensor["shape"]), binary_data=False)
        inputs.append(item)
    client = InferenceGRPCClient(f"127.0.0.1:{server.grpc}")
    try:
        answer: np.ndarray = (await client.infer(InferRequest(name, inputs))).outputs[0].as_numpy()
    finally:
        await client.close()
    return answer
