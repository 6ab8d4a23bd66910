"""Promises of a model in process: every order of its methods works, or says in one line why not."""

from __future__ import annotations

import functools
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Tuple

import msgspec
import numpy as np
import pandas as pd
import pytest

from ..._engine.artifact import compiled, metadata, stored
from ..._engine.artifact.provenance import CODE, changed_since
from ..._engine.serving.model import Serving
from ...trainer import preprocessor
from ...trainer._core import ModelError
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def trained(table: Table) -> MyModel:
    model = MyModel()
    model.train(*table)
    return model


@pytest.fixture(scope="module")
def numbers() -> Table:
    """What all frameworks that compile models compile one of."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 4)), columns=list("abcd"))
    return X, pd.Series(np.where(X["a"] > 0, "up", "down"))


@pytest.fixture(scope="module")
def compiled_dir(tmp_path_factory: pytest.TempPathFactory, numbers: Table) -> Path:
    model = trained(numbers)
    model.evaluate(*numbers)
    directory = tmp_path_factory.mktemp("models") / "0001"
    model.save(directory, extras_seconds=300)
    return directory


def loads(directory: Path) -> list[MyModel]:
    """The model in each form that it can be loaded in."""
    return [MyModel(dirpath=directory, runtime=runtime) for runtime in ("native", "auto")]


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, table, path: model.predict(table[0]),
        lambda model, table, path: model.predict(table[0], proba=True),
        lambda model, table, path: model.evaluate(*table),
        lambda model, table, path: model.explain(table[0]),
        lambda model, table, path: model.save(path),
        lambda model, table, path: model.import_model(),
    ],
    ids=["predict", "proba", "evaluate", "explain", "save", "import"],
)
def test_without_a_model_there_is_a_reason_in_a_line(
    tmp_path: Path, table: Table, ask: Callable[[MyModel, Table, Path], object]
) -> None:
    with pytest.raises(ModelError, match="there is no model") as error:
        ask(MyModel(), table, tmp_path / "0001")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_was_loaded_is_saved_as_it_was(compiled_dir: Path, tmp_path: Path, numbers: Table) -> None:
    """The compiled model and all that was known of it included, whatever answers here."""
    before = metadata.read(compiled_dir)
    for at, model in enumerate(loads(compiled_dir)):
        model.save(tmp_path / str(at))
        model.save(tmp_path / f"{at} again")
        for copy in (tmp_path / str(at), tmp_path / f"{at} again"):
            assert metadata.read(copy) == before
            np.testing.assert_array_equal(
                MyModel(dirpath=copy).predict(numbers[0]), loads(compiled_dir)[0].predict(numbers[0])
            )
        model.evaluate(numbers[0][:60], numbers[1][:60])
        model.save(tmp_path / f"{at} evaluated")
        assert metadata.read(tmp_path / f"{at} evaluated").metrics == model.metrics


def test_a_compiled_model_that_cannot_be_opened_leaves_the_answers_to_the_framework(
    compiled_dir: Path, tmp_path: Path, numbers: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """As one of another version of ONNX: "auto" logs it, and "onnx" says why it cannot be."""
    shutil.copytree(compiled_dir, tmp_path / "0001")
    (tmp_path / "0001" / compiled.FILE).write_bytes(b"of another version")
    found = metadata.read(compiled_dir)
    digest = stored.digest(tmp_path / "0001" / compiled.FILE)
    compared = found.compiled or {"rows": 1, "largest_difference": 0}
    files = {**found.files, compiled.FILE: digest}
    metadata.write(tmp_path / "0001", msgspec.structs.replace(found, compiled=compared, files=files))
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        MyModel(dirpath=tmp_path / "0001", runtime="onnx")
    assert "\n" not in str(error.value)
    if MyModel.WEIGHTS == compiled.FILE:  # nothing else can answer
        return
    model = MyModel(dirpath=tmp_path / "0001", runtime="auto")
    assert model.platform == MyModel.FRAMEWORK
    assert "cannot be run, so the framework answers" in caplog.text
    np.testing.assert_array_equal(model.predict(numbers[0]), MyModel(dirpath=compiled_dir).predict(numbers[0]))


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e10])
def test_a_time_that_no_conversion_can_be_given_is_refused_in_a_sentence(
    tmp_path: Path, model: MyModel, seconds: float
) -> None:
    with pytest.raises(ValueError, match="expected seconds from 0 to 86400"):
        model.save(tmp_path / "0001", extras_seconds=seconds)
    assert list(tmp_path.iterdir()) == []


def test_what_changed_on_disk_is_not_saved_as_what_was_loaded(model_dir: Path, tmp_path: Path) -> None:
    MyModel(dirpath=model_dir).save(tmp_path / "0001")
    model = MyModel(dirpath=tmp_path / "0001", runtime="auto")
    (tmp_path / "0001" / "input.json").write_text("{}")
    with pytest.raises(ModelError, match="has changed since the model was loaded"):
        model.save(tmp_path / "0002")
    assert [path.name for path in tmp_path.iterdir()] == ["0001"]


def test_a_model_that_was_loaded_is_trained_as_a_new_one(compiled_dir: Path, tmp_path: Path, numbers: Table) -> None:
    X, y = numbers
    columns = ["a", "b"]
    expected = trained((X[columns], y)).predict(X[columns], proba=True)
    for at, model in enumerate(loads(compiled_dir)):
        model.train(X[columns], y)
        assert model.metrics == {}
        assert model.signature.names == columns
        np.testing.assert_array_equal(model.predict(X[columns], proba=True), expected)
        model.save(tmp_path / str(at), extras_seconds=0)
        found = metadata.read(tmp_path / str(at))
        assert (found.metrics, found.compiled) == ({}, None)
        np.testing.assert_array_equal(MyModel(dirpath=tmp_path / str(at)).predict(X[columns], proba=True), expected)


def test_training_twice_starts_anew(tmp_path: Path, table: Table) -> None:
    """Nothing of the first training remains: neither weights nor metrics, nor what encoding learnt."""
    X, y = table
    model = trained(table)
    model.evaluate(X, y)
    numbers = X[["monthly spend"]]
    model.train(numbers, y)
    assert model.metrics == {}
    model.save(tmp_path / "0001")
    found = metadata.read(tmp_path / "0001")
    assert (found.metrics, found.compiled) == ({}, None)
    assert set(found.state) == set(trained((numbers, y)).state)
    np.testing.assert_array_equal(
        model.predict(numbers, proba=True), trained((numbers, y)).predict(numbers, proba=True)
    )


def test_a_training_or_a_loading_that_failed_leaves_no_model(tmp_path: Path, model_dir: Path, table: Table) -> None:
    @functools.wraps(MyModel.fit)
    def fit(self: MyModel, X: Any, y: Any, *args: Any, **kwargs: Any) -> None:
        MyModel.fit(self, X, y, *args, **kwargs)
        if len(y) <= 60:
            raise ValueError("too few")

    model: MyModel = type("Failing", (MyModel,), {"fit": fit})()
    model.train(*table)
    with pytest.raises(ValueError, match="too few"):
        model.train(table[0][:60], table[1][:60])
    with pytest.raises(ModelError, match="there is no model"):
        model.predict(table[0])
    model.train(*table)
    with pytest.raises(ModelError, match="is not a directory"):
        model.load(tmp_path / "absent")
    with pytest.raises(ModelError, match="there is no model"):
        model.save(tmp_path / "0001")
    model.load(model_dir)
    assert len(model.predict(table[0])) == 120


def test_metadata_says_how_the_model_was_made(tmp_path: Path, table: Table) -> None:
    model = trained(table)
    model.save(tmp_path / "0001", extras_seconds=0)
    made = json.loads((tmp_path / "0001" / "metadata.json").read_text())["made"]
    assert made["data"] == {"file": None, "sha256": None, "rows": 120, "columns": 4}
    assert made["time"].endswith("Z")
    assert (made["hyperparameters"], made["settings"]) == ({}, {})
    assert set(made["code"]) == set(CODE)
    loaded = MyModel(dirpath=tmp_path / "0001")
    assert changed_since(loaded.made, MyModel) == []
    assert loaded.advice == ""


class Named:
    """What an SDK's own class is to a served model."""

    def __init__(self, name: str) -> None:
        self.name = name


class Served(Serving, Named):
    model_class = MyModel


def test_the_server_says_which_file_changed_since(
    model_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves where the model answers its own input; where it does not, the reason names the file."""
    made = metadata.read(model_dir).made
    assert made
    MyModel(dirpath=model_dir).save(tmp_path / "0001")
    code = {**made.code, "preprocessor.py": "0" * 64}
    changed = msgspec.structs.replace(metadata.read(model_dir), made=msgspec.structs.replace(made, code=code))
    metadata.write(tmp_path / "0001", changed)
    served = Served("m", tmp_path / "0001")
    assert served.load()
    (line,) = [message for message in caplog.messages if "changed" in message]
    assert "preprocessor.py changed since it was trained: train again (make train), or restore" in line
    monkeypatch.delattr(preprocessor, "prep_func")
    with pytest.raises(ModelError, match=r"own input.json .*prep_func.*; preprocessor.py changed .*make train"):
        served.load()


def test_files_can_be_read_by_the_user_of_an_image(tmp_path: Path, model_dir: Path) -> None:
    """Whatever the umask of whoever trained."""
    program = 'umask 077; exec "$0" -c "$1" "$2" "$3"'
    save = f"import sys; from {MyModel.__module__} import MyModel; MyModel(dirpath=sys.argv[1]).save(sys.argv[2])"
    subprocess.run(["sh", "-c", program, sys.executable, save, model_dir, tmp_path / "0001"], check=True)
    for path in (tmp_path / "0001", *(tmp_path / "0001").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path
