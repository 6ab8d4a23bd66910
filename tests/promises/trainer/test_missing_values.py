"""Promises of missing values: files and requests spell them alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ..._engine.protocol.requests import Decoder
from ..._engine.protocol.tensors import InvalidRequest
from ..._engine.tables.reading import read_data
from ...trainer._core import Signature
from ...trainer.model import MyModel
from .trained import train


def test_missing_values_in_evaluation_rows_alone_stop_nothing(tmp_path: Path) -> None:
    """What is a missing value anywhere in the file may be one in a request too."""
    for row in (0, 13):
        data = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) % 3, "y": ["n", "y"] * 10})
        data.loc[row, "a"] = np.nan
        model = MyModel()
        rest = data.drop(index=row)
        model.train(rest[["a", "b"]], rest["y"], Signature.learn(data[["a", "b"]]))
        assert len(model.evaluate(data[["a", "b"]], data["y"])) > 0


def countries(folder: Path) -> Path:
    """A file in which what many programs write for a missing value is a country's code, a name, or a text."""
    names = ["NA", "null", "None", ""] * 40
    leaves = {"NA": "yes", "null": "no", "None": "yes", "": "no"}
    rows = [f"{name},{at % 7},{leaves[name]}" for at, name in enumerate(names)]
    (folder / "countries.csv").write_text("\n".join(["country,visits,churned", *rows, ""]))
    return folder / "countries.csv"


def ask(model: MyModel, names: list[str | None]) -> list[list[str]]:
    """What the file, the model in process, V1 and V2 answer for customers of these countries."""
    decoder = Decoder(model.signature, model.outputs)
    visits = [1.0] * len(names)
    frame = pd.DataFrame({"country": names, "visits": visits})
    columns = [("country", "BYTES", names), ("visits", "FP64", visits)]
    tensors = [{"name": name, "datatype": kind, "shape": [len(names)], "data": data} for name, kind, data in columns]
    bodies = [{"instances": frame.to_dict("records")}, {"instances": list(zip(names, visits))}, {"inputs": tensors}]
    decoded = [decoder.decode(json.dumps(body).encode()).X for body in bodies]
    return [model.predict(frame).tolist(), *(model.answer(X).tolist() for X in decoded)]


def test_the_empty_cell_alone_is_missing_in_files_and_requests_alike(tmp_path: Path) -> None:
    """Namibia is a country, and a customer may be called Null."""
    run = train("--data", countries(tmp_path), "--target", "churned", "--output_dir", tmp_path)
    assert "column 'country': 'NA', 'None', 'null' is read as text" in run.stdout
    model = MyModel(dirpath=tmp_path / "0001")
    X, y, *_ = read_data(tmp_path / "countries.csv", "churned")
    assert (model.predict(X) == y).all()
    for answers in ask(model, ["NA", "null", "None", "", None]):
        assert answers == ["yes", "no", "yes", "no", "no"]


def test_what_spells_a_missing_value_does_so_in_files_and_requests_alike(tmp_path: Path) -> None:
    file = countries(tmp_path)
    arguments = ("--data", file, "--target", "churned", "--output_dir", tmp_path)
    run = train(*arguments, "--missing", "NA,None,6")
    assert run.returncode == 0, run.stderr
    model = MyModel(dirpath=tmp_path / "0001")
    assert model.signature.missing == ("NA", "None", "6")
    assert [column.nullable for column in model.signature.columns] == [True, True]
    absent = ["NA", "None", "", None]
    assert all(answers == ["yes"] * 4 for answers in ask(model, absent))
    assert pd.isna(model.signature.conform(pd.DataFrame({"country": absent, "visits": "6"}))).all(axis=None)
    file.write_text(file.read_text().replace("\n,", "\nDE,"))
    run = train(*arguments, "--allow_useless")  # of so few rows, some frameworks learn little
    assert run.returncode == 0, run.stderr
    with pytest.raises(InvalidRequest, match=r"row 1, column 'country': expected a string, got none \(null or \"\"\)"):
        ask(MyModel(dirpath=tmp_path / "0002"), ["DE", ""])


def test_a_column_of_numbers_does_not_become_text_silently(tmp_path: Path) -> None:
    """Each of the two ways on that the error names leads on."""
    ages = [str(20 + row % 50) for row in range(60)]
    ages[3], ages[40], ages[41] = "?", "NA", ""
    data = pd.DataFrame({"age": ages, "visits": np.arange(60) % 7, "spent": np.arange(60) % 2})
    data.to_csv(tmp_path / "data.csv", index=False)
    arguments = ("--data", tmp_path / "data.csv", "--target", "spent", "--output_dir", tmp_path)
    run = train(*arguments)
    assert run.returncode == 1
    assert "use --missing '?,NA'; if the column is text, use --columns age:text\n" in run.stderr
    for version, way, datatype in (
        ("0001", ("--missing", "?,NA"), "FP64"),
        ("0002", ("--columns", "age:text"), "BYTES"),
    ):
        run = train(*arguments, *way, "--allow_useless")
        assert run.returncode == 0, run.stderr
        assert MyModel(dirpath=tmp_path / version).signature.columns[0].datatype == datatype
    assert "no column 'agee'" in train(*arguments, "--columns", "agee:text").stderr
    assert "--columns: expected NAME:KIND" in train(*arguments, "--columns", "age").stderr
