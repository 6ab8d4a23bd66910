"""Promises of the model directory: it describes itself, appears whole, and nothing that was changed is loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from ..._engine.artifact import metadata as _metadata
from ...trainer._core import ModelError
from ...trainer.model import MyModel
from .trained import DESCRIBED, REPORT, Table, explains, files_of, numbers


def test_weights_that_change_between_check_and_use_are_not_used(tmp_path: Path) -> None:
    """They may be code by now: what is loaded is a copy, made of bytes that were checked."""
    X, y = numbers("classification")
    model = MyModel()
    model.train(X, y)
    model.save(tmp_path / "0001")
    found = _metadata.read(tmp_path / "0001")

    class Exchanging(MyModel):
        def restore(self, path: Path) -> None:
            for name in found.files:
                (tmp_path / "0001" / name).write_bytes(b"exchanged")
            super().restore(path)

    loaded = Exchanging(dirpath=tmp_path / "0001")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if explains():
        assert loaded.explainer().explain(X) == loaded.explain(X)
    with pytest.raises(ModelError, match="is not the file that was saved"):
        MyModel(dirpath=tmp_path / "0001")


def test_a_model_evaluated_on_a_single_row_can_be_loaded(tmp_path: Path) -> None:
    X, y = numbers("regression")
    model = MyModel(task="regression")
    model.train(X, y)
    model.evaluate(X[:1], y[:1])
    model.save(tmp_path / "0001", extras_seconds=0)
    assert "r2" not in MyModel(dirpath=tmp_path / "0001").metrics


def test_a_loaded_model_can_be_saved_again(model_dir: Path, tmp_path: Path, table: Table) -> None:
    MyModel(dirpath=model_dir).save(tmp_path / "copy")
    copy = MyModel(dirpath=tmp_path / "copy")
    np.testing.assert_array_equal(copy.predict(table[0]), MyModel(dirpath=model_dir).predict(table[0]))


def test_a_model_directory_describes_itself(model_dir: Path, model: MyModel) -> None:
    """metadata.json has the signature and a digest of each file; input.json is a request that works."""
    metadata = json.loads((model_dir / "metadata.json").read_text())
    assert metadata["inputs"][0] == {"name": "age", "datatype": "FP64", "shape": [-1]}
    assert metadata["outputs"][0] == {"name": "predict", "datatype": "BYTES", "shape": [-1]}
    assert metadata["labels"] == ["leaves", "stays"]
    compiled = {"model.onnx"} if metadata["compiled"] else set()
    found = {file.relative_to(model_dir).as_posix() for file in model_dir.rglob("*") if file.is_file()}
    assert set(metadata["files"]) == found - {"metadata.json", "metadata.sha256"}
    assert files_of(model_dir) == {*DESCRIBED, *REPORT, model.WEIGHTS} | compiled
    (record,) = json.loads((model_dir / "input.json").read_text())["instances"]
    assert model.predict(pd.DataFrame([record])) == ["leaves"]


def test_a_model_answers_the_same_after_saving_and_loading(tmp_path: Path, table: Table) -> None:
    X, y = table
    trained = MyModel()
    trained.train(X, y)
    trained.save(tmp_path / "0001")
    loaded = MyModel(dirpath=tmp_path / "0001")
    np.testing.assert_array_equal(loaded.predict(X), trained.predict(X))
    np.testing.assert_array_equal(loaded.predict(X, proba=True), trained.predict(X, proba=True))


def test_models_are_never_overwritten(model: MyModel, model_dir: Path) -> None:
    with pytest.raises(FileExistsError, match="already exists"):
        model.save(model_dir)


def test_an_interrupted_training_leaves_nothing_behind(tmp_path: Path, table: Table) -> None:
    class Interrupted(MyModel):
        def dump(self, path: Path) -> None:
            super().dump(path)
            raise KeyboardInterrupt

    model = Interrupted()
    model.train(*table)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "runs" / "0001")
    assert list((tmp_path / "runs").iterdir()) == []


def damaged(model_dir: Path, tmp_path: Path, damage: str) -> Path:
    copy = tmp_path / "0001"
    shutil.copytree(model_dir, copy)
    weights, metadata = copy / MyModel.WEIGHTS, copy / "metadata.json"
    if weights.is_dir():
        weights = max(weights.rglob("*"), key=lambda file: file.stat().st_size if file.is_file() else -1)
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1])
    elif damage == "tampered":
        weights.write_bytes(b"!" + weights.read_bytes()[1:])
    elif damage == "no metadata":
        metadata.unlink()
    elif damage == "foreign":
        _metadata.write(copy, msgspec.structs.replace(_metadata.read(copy), platform="other"))
    elif damage == "edited":
        metadata.write_text(metadata.read_text().replace(f'"platform": "{MyModel.FRAMEWORK}"', '"platform": "other"'))
    else:
        metadata.write_text(metadata.read_text()[:-20])
    return copy


@pytest.mark.parametrize(
    ("damage", "file", "reason"),
    [
        ("missing", MyModel.WEIGHTS, "is missing"),
        ("truncated", MyModel.WEIGHTS, "SHA-256 differs"),
        ("tampered", MyModel.WEIGHTS, "SHA-256 differs"),
        ("no metadata", "metadata.json", "is missing"),
        ("broken metadata", "metadata.json", "cannot be read"),
        ("foreign", "0001", "is a model of other"),
        ("edited", "metadata.json", "is damaged"),
    ],
)
def test_a_damaged_model_directory_is_refused(
    model_dir: Path, tmp_path: Path, damage: str, file: str, reason: str
) -> None:
    """The error names the file and the reason, and nothing of it is unpickled."""
    copy = damaged(model_dir, tmp_path, damage)
    with pytest.raises(ModelError, match=reason) as error:
        MyModel(dirpath=copy)
    assert file in str(error.value)


def test_another_version_of_the_framework_is_a_warning(
    model_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "0001"
    shutil.copytree(model_dir, copy)
    versions = {**_metadata.read(copy).versions, MyModel.FRAMEWORK: "0.1.2"}
    _metadata.write(copy, msgspec.structs.replace(_metadata.read(copy), versions=versions))
    MyModel(dirpath=copy)
    assert f"{MyModel.FRAMEWORK} 0.1.2" in caplog.text
    assert MyModel.version() in caplog.text
