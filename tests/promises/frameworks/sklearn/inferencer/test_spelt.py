"""Promises of a served model with dates, prices and truth values: all ways in take them as they are in the file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..._engine.contract.forms import Form
from ..._engine.contract.numbers import Numbers
from ..._engine.contract.signature import Signature
from ..._engine.contract.truths import Truths
from ..._engine.protocol.tensors import to_bytes
from ..._engine.serving.testing import Server
from ...trainer.model import MyModel

CELLS = {"ordered": ["2024-06-01", "2024-06-03"], "price": ["$1,200.50", "$3"], "news": ["yes", "no"]}


def test_a_server_takes_what_the_file_has_and_says_what_it_takes(tmp_path: Path) -> None:
    X = pd.DataFrame(
        {
            "ordered": pd.date_range("2024-01-01", periods=140),
            "price": np.arange(140.0) * 10,
            "news": np.arange(140) % 2 > 0,
        }
    )
    forms: dict[str, Form] = {"price": Numbers(thousands=",", signs=("$",)), "news": Truths("yes", "no")}
    model = MyModel()
    model.train(X, X["ordered"].dt.weekday > 4, Signature.learn(X, (), forms, {"row": "it names the rows"}))
    model.evaluate(X, X["ordered"].dt.weekday > 4)
    model.save(tmp_path / "0001", extras_seconds=300)
    assert model.compiled_note.startswith("Compiled model: model.onnx agrees")  # all features are numbers
    frame = pd.DataFrame({"ordered": pd.to_datetime(CELLS["ordered"]), "price": [1200.5, 3], "news": [True, False]})
    expected = model.predict(frame).tolist()
    rows = [dict(zip(CELLS, row), row=7) for row in zip(*CELLS.values())]
    tensors: list[dict[str, Any]] = [
        {"name": name, "datatype": "BYTES", "shape": [2], "data": cells} for name, cells in CELLS.items()
    ]
    with Server(tmp_path / "0001", RUNTIME="auto") as server:
        assert server.post("/v1/models/m:predict", {"instances": rows}).json() == {"predictions": expected}
        (output,) = server.post("/v2/models/m/infer", {"inputs": tensors}).json()["outputs"]
        assert output["data"] == expected
        content = b"".join(to_bytes(np.array(tensor.pop("data"), object)) for tensor in tensors)
        for tensor, cells in zip(tensors, CELLS.values()):
            tensor["parameters"] = {"binary_data_size": sum(4 + len(cell) for cell in cells)}
        head = server.client.build_request("POST", "/", json={"inputs": tensors}).content
        size = {"Inference-Header-Content-Length": str(len(head))}
        binary = server.client.post("/v2/models/m/infer", content=head + content, headers=size)
        assert binary.json()["outputs"][0]["data"] == expected
        wrong = server.post("/v1/models/m:predict", {"instances": [{**rows[0], "ordered": "1.6.2024"}]})
        assert wrong.status_code == 400
        assert "row 0, column 'ordered': expected a date or time such as 2024-05-31, without an offset" in wrong.text
        if importlib.util.find_spec("kserve"):
            inputs = server.client.get("/v2/models/m").json()["inputs"]
            assert [item["datatype"] for item in inputs] == ["BYTES", "FP64", "BOOL"]
            assert all("such as" in item["parameters"]["expected"] for item in inputs[:2])
            assert "date or time such as 2024-05-31" in server.client.get("/openapi.json").text
