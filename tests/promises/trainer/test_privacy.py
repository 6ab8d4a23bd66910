"""Promises of privacy: no file has what few rows of the training data share."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ...trainer.model import MyModel
from .trained import Table, train


def test_no_name_in_the_data_is_put_into_input_json(tmp_path: Path, table: Table) -> None:
    model = MyModel()
    model.train(table[0].assign(email=[f"u{i}@example.com" for i in range(120)]), table[1])
    model.save(tmp_path / "0001")
    assert "example.com" not in (tmp_path / "0001" / "input.json").read_text()


def contents(file: Path) -> bytes:
    """What is in a file, uncompressed."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    content = file.read_bytes()
    return zlib.decompress(content) if file.suffix == ".joblib" else content


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_no_text_of_few_rows_is_in_any_file(tmp_path: Path, task: str) -> None:
    """Neither names of a row each, nor one that nine rows share; one that many share is learnt."""
    chance = np.random.default_rng(0)
    names = ["".join(chance.choice(list("bcdfghklmnprst"), 12)) for _ in range(80)]
    town = np.array(["vienna", "lisbon"])[chance.integers(0, 2, 240)].astype(object)
    town[:80], town[80:89] = names, "nineofthem"
    X = pd.DataFrame({"town": town, "size": chance.normal(size=240).round(3)})
    y = np.where(town == "lisbon", "far", "near") if task == "classification" else (town == "lisbon") * 5.0 + X["size"]
    X.assign(outcome=y).to_csv(tmp_path / "data.csv", index=False)
    arguments = ("--data", tmp_path / "data.csv", "--target", "outcome", "--output_dir", tmp_path / "runs")
    run = train(*arguments, "--allow_useless", "--extras_seconds", 300, "--task", task)
    assert run.returncode == 0, run.stderr
    files = [file for file in (tmp_path / "runs" / "0001").rglob("*") if file.is_file()]
    everything = b"".join(map(contents, files))
    assert b"lisbon" in everything
    assert [name for name in [*names, "nineofthem"] if name.encode() in everything] == []


def test_no_row_s_extreme_number_is_in_any_file_of_text(tmp_path: Path) -> None:
    """The largest and the smallest number of a column are one row's each."""
    chance = np.random.default_rng(0)
    X = pd.DataFrame({"salary": chance.normal(size=240).round(3), "size": chance.normal(size=240).round(3)})
    X.loc[[3, 5], "salary"] = [4711.8125, -1147.6875]
    X.assign(outcome=X["size"] * 3 + X["salary"].clip(-2, 2)).to_csv(tmp_path / "data.csv", index=False)
    arguments = ("--data", tmp_path / "data.csv", "--target", "outcome", "--output_dir", tmp_path / "runs")
    run = train(*arguments, "--extras_seconds", 300, "--task", "regression")
    assert run.returncode == 0, run.stderr
    files = [file for file in (tmp_path / "runs" / "0001").rglob("*") if file.is_file()]
    everything = b"".join(map(contents, files))
    assert [number for number in (b"4711.8", b"1147.6") if number in everything] == []
