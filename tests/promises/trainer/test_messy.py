"""Promises of a file as people export it: it is trained on as it is, and requests spelt like it are answered alike."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..._engine.contract.features import Features
from ..._engine.protocol.media import CSV, Media
from ..._engine.protocol.requests import Decoder
from ..._engine.protocol.tensors import to_bytes
from ...trainer.model import MyModel
from .trained import train


def export(folder: Path) -> pd.DataFrame:
    """A file of a spreadsheet in German, in which orders of Saturdays and Sundays are cancelled."""
    days = [datetime(2024, 1, 1) + timedelta(days=row % 56, hours=row % 24) for row in range(240)]
    euros = [f"{1000 + row * 7 % 900},{row % 90 + 10}" for row in range(240)]
    cells = pd.DataFrame(
        {
            "customer": [f"K{row:05d}" for row in range(240)],
            "ordered": [f"{day:%d.%m.%Y %H:%M}" for day in days],
            "amount": ["" if row % 11 == 0 else f"{euro[0]}.{euro[1:]} €" for row, euro in enumerate(euros)],
            "news": np.where(np.arange(240) % 3 == 0, "yes", "no"),
            "zip": np.array(["01067", "99999", "80331"])[np.arange(240) % 3],
            "shop": "Müller",
            "cancelled": ["yes" if day.weekday() > 4 else "no" for day in days],
        }
    )
    cells.to_csv(folder / "orders.csv", sep=";", index=False, encoding="cp1252")
    return cells


def ask(model: MyModel, cells: pd.DataFrame) -> dict[str, list[Any]]:
    """What each form of a request is answered with for rows that are spelt as in the file."""
    decoder = Decoder(model.signature, model.outputs)
    rows = cells.replace("", None).astype(object).to_numpy().tolist()
    records = [dict(zip(cells, row)) for row in rows]
    tensors: list[dict[str, Any]] = [
        {"name": name, "datatype": "BYTES", "shape": [len(cells)], "data": list(column)}
        for name, column in zip(cells, zip(*rows))
    ]
    raw = [to_bytes(cells[name].to_numpy(object)) for name in cells]
    heads = [
        {"name": name, "datatype": "BYTES", "shape": [len(cells)], "parameters": {"binary_data_size": len(content)}}
        for name, content in zip(cells, raw)
    ]
    head = json.dumps({"inputs": heads}).encode()
    bodies: dict[str, tuple[bytes, dict[str, Any]]] = {
        "V1": (json.dumps({"instances": rows}).encode(), {}),
        "V1, records and what is not learnt from": (
            json.dumps({"instances": [{**record, "customer": "K1", "shop": 7} for record in records]}).encode(),
            {},
        ),
        "V2": (json.dumps({"inputs": tensors}).encode(), {}),
        "V2, binary": (head + b"".join(raw), {"json_size": len(head)}),
        "CSV": (cells.to_csv(index=False).encode(), {"media": Media(CSV)}),
    }
    return {form: model.answer(decoder.decode(body, **given).X).tolist() for form, (body, given) in bodies.items()}


def test_an_exported_file_is_understood_and_requests_like_it_are_answered_alike(tmp_path: Path) -> None:
    cells = export(tmp_path)
    run = train(
        *("--data", tmp_path / "orders.csv", "--target", "cancelled", "--output_dir", tmp_path / "runs"),
        "--allow_useless",  # of so few rows, some frameworks learn little
    )
    assert run.returncode == 0, run.stderr
    assert "orders.csv is not UTF-8 and is read as cp1252" in run.stdout
    model = MyModel(dirpath=tmp_path / "runs" / "0001")
    kinds = {column.name: column.kind for column in model.signature.columns}
    assert kinds == {"ordered": "date", "amount": "number", "news": "true or false", "zip": "text"}
    assert [*model.signature.unused] == ["customer", "shop"]
    assert "ordered_weekday" in Features(model.signature).names
    asked = cells[[*kinds]].iloc[:30]
    frame = pd.DataFrame(asked)
    frame["ordered"] = pd.to_datetime(asked["ordered"], format="%d.%m.%Y %H:%M")
    expected = model.predict(frame).tolist()
    assert ask(model, asked) == dict.fromkeys(ask(model, asked), expected)
