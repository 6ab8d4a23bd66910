"""Promises of the training command: what it takes, says and leaves behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ..._engine.artifact import draft as _draft
from ...trainer.model import MyModel
from .trained import Table, files_of, train, train_as_typed


def test_the_command_says_what_it_did_or_why_it_cannot(tmp_path: Path, table: Table) -> None:
    pd.concat(table, axis=1).to_csv(tmp_path / "data.csv", index=False)
    arguments = ("--data", tmp_path / "data.csv", "--target", "outcome", "--output_dir", tmp_path / "runs")
    run = train_as_typed(*arguments, "--extras_seconds", 0)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("column ")
    assert "\nTraining: classification of 'outcome' from 4 columns, 96 rows\n" in run.stdout
    assert run.stdout.endswith(f"Saved: {tmp_path / 'runs' / '0001'}\n")
    run = train_as_typed("--data", tmp_path / "data.csv", "--target", "churned")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("Training stopped: ")
    assert run.stderr.count("\n") == 1


def test_a_model_is_trained_on_a_file_of_ones_own(tmp_path: Path, table: Table) -> None:
    """Numbers, truth values, text and missing values are taken as they are; metrics are printed, versions numbered."""
    data = pd.concat(table, axis=1)
    data.to_csv(tmp_path / "customers.csv", index=False)
    data.to_parquet(tmp_path / "customers.parquet")
    for file, version in (("customers.csv", "0001"), ("customers.parquet", "0002")):
        run = train("--data", tmp_path / file, "--target", "outcome", "--output_dir", tmp_path / "runs")
        assert run.returncode == 0, run.stderr
        assert "accuracy" in run.stdout
        assert run.stdout.endswith(f"Saved: {tmp_path / 'runs' / version}\n")
        model = MyModel(dirpath=tmp_path / "runs" / version)
        assert [column.datatype for column in model.signature.columns] == ["FP64", "FP64", "BOOL", "BYTES"]
        assert set(model.predict(table[0])) <= {"stays", "leaves"}


def test_a_number_is_predicted_by_a_regression(tmp_path: Path, table: Table) -> None:
    """A target of many different numbers is not taken for labels."""
    table[0].to_csv(tmp_path / "data.csv", index=False)
    arguments = ("--data", tmp_path / "data.csv", "--target", "monthly spend")
    run = train(*arguments, "--output_dir", tmp_path / "runs", "--allow_useless")
    assert run.returncode == 0, run.stderr
    assert "rmse" in run.stdout
    model = MyModel(dirpath=tmp_path / "runs" / "0001")
    assert model.predict(table[0].drop(columns="monthly spend")).dtype == np.float64
    assert not model.has_proba


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--data", "absent.csv", "--target", "y"], "absent.csv cannot be read"),
        (["--data", "absent.csv"], "--data and --target go together"),
        (["--eval_share", "3"], "--eval_share: "),
        (["--extras_seconds", "inf"], "--extras_seconds: Input should be "),
        (["--extras_seconds", "nan"], "--extras_seconds: Input should be "),
        (["--extras_seconds", "1e10"], "--extras_seconds: Input should be less than or equal to 86400"),
        (["--misspelt", "3"], "--misspelt"),
    ],
)
def test_a_training_that_cannot_run_says_why_in_a_line(arguments: list[str], complaint: str) -> None:
    run = train(*arguments)
    assert run.returncode != 0
    assert complaint in run.stderr
    assert "Traceback" not in run.stderr


def test_what_a_killed_training_left_is_finished_or_removed(tmp_path: Path, model_dir: Path) -> None:
    """A whole model gets its number, and others go; one that is being written is left alone."""
    whole, part, living = (tmp_path / f".000{number}.partial" for number in (1, 2, 3))
    for draft in (whole, part, living):
        shutil.copytree(model_dir, draft)
        (draft / ".lock").touch()
    (whole / "unlisted").touch()
    (part / "metadata.json").unlink()
    with _draft.leftover(tmp_path / "0003"):
        run = train("--output_dir", tmp_path)
        assert files_of(tmp_path) == {"0001", "0004", living.name}, run.stderr
    assert run.stdout.startswith(f"Saved: {tmp_path / '0001'}, which an earlier training left unfinished\n")
    assert run.stdout.endswith(f"Saved: {tmp_path / '0004'}\n")
    assert files_of(tmp_path / "0001") == files_of(model_dir)
    MyModel(dirpath=tmp_path / "0001")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "cannot be read"),
        ('"say ""hi""",y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n', "rename it without quotes"),
        ("a,y\n1e39,a\n2,b\n3,a\n4,b\n5,a\n6,b\n", "numbers larger than"),
        ("a,y\n1,1e200\n2,1.5\n3,1\n4,2\n5,3\n6,7\n", "numbers larger than"),
    ],
)
def test_a_file_that_cannot_be_trained_on_says_why_in_a_line(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "data.csv").write_bytes(content.encode("latin-1"))
    run = train("--data", tmp_path / "data.csv", "--target", "y", "--output_dir", tmp_path / "runs")
    assert run.returncode == 1
    assert run.stderr.startswith("Training stopped: ")
    assert complaint in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_noticed_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = train("--output_dir", tmp_path / "file")
    assert run.returncode == 1
    assert "Training" not in run.stdout
    assert "Traceback" not in run.stderr


def test_trainings_at_once_have_numbers_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the next number while a model is being written is left alone, and so is the model."""

    def dump(model: MyModel, path: Path, write: Callable[[MyModel, Path], None] = MyModel.dump) -> None:
        write(model, path)
        (tmp_path / "0001").mkdir(exist_ok=True)
        (tmp_path / "0001" / "theirs").touch()

    monkeypatch.setattr(MyModel, "dump", dump)
    run = train("--output_dir", tmp_path)
    assert run.stdout.endswith(f"Saved: {tmp_path / '0002'}\n"), run.stderr
    assert [file.name for file in (tmp_path / "0001").iterdir()] == ["theirs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001", "0002"]
