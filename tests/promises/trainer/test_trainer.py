"""Promises of the training side: the command, the model directory, and the model in process."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Tuple

import msgspec
import numpy as np
import pandas as pd
import pytest

from ..._engine.artifact import draft as _draft
from ..._engine.artifact import metadata as _metadata
from ..._engine.artifact.compiled import CompiledModel, compare
from ..._engine.protocol.requests import Decoder
from ..._engine.protocol.tensors import InvalidRequest
from ..._engine.tables.reading import read_data
from ...trainer.__main__ import main
from ...trainer._core import Model, ModelError, Signature, Tensor
from ...trainer.model import MyModel

#: The package that trains.
TRAINER = MyModel.__module__.rpartition(".")[0]
Table = Tuple[pd.DataFrame, pd.Series]
#: The files beside the weights in every model directory.
DESCRIBED = {"metadata.json", "metadata.sha256", "input.json", "drift.json"}
REPORT = {"report.html", "report.json", "MODEL_CARD.md"}


def train(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the training command in this process, which has imported the framework already, without compiling."""
    command = [TRAINER, "--extras_seconds", "0", *map(str, arguments)]
    stdout, stderr, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr(sys, "argv", command)
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
            if status != end.code:
                print(end.code, file=stderr)
    return subprocess.CompletedProcess(command, status, stdout.getvalue(), stderr.getvalue())


def train_as_typed(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the training command in a process of its own."""
    command = [sys.executable, "-m", TRAINER, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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


def test_missing_values_in_evaluation_rows_alone_stop_nothing(tmp_path: Path) -> None:
    """What is a missing value anywhere in the file may be one in a request too."""
    for row in (0, 13):
        data = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) % 3, "y": ["n", "y"] * 10})
        data.loc[row, "a"] = np.nan
        model = MyModel()
        rest = data.drop(index=row)
        model.train(rest[["a", "b"]], rest["y"], Signature.learn(data[["a", "b"]]))
        assert len(model.evaluate(data[["a", "b"]], data["y"])) > 0


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


def files_of(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def numbers(task: str = "classification") -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 4))
    return X, X[:, 0] * 3 + X[:, 1] if task == "regression" else np.where(X[:, 0] > 0, "up", "down")


def compiles() -> bool:
    return MyModel.to_onnx is not Model.to_onnx


class Endless(MyModel):
    """Is never compiled to the end."""

    def to_onnx(self) -> bytes:
        while True:
            time.sleep(60)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_compiled_model_answers_as_the_model_does(tmp_path: Path, task: str) -> None:
    """Labels are equal, and scores agree to 1e-5; where a framework has no compiled model, training says so."""
    X, y = numbers(task)
    model = MyModel(task=task)
    model.train(X, y)
    model.evaluate(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    if not compiles():
        assert model.compiled_note.startswith("No compiled model: ")
        assert files_of(tmp_path / "0001") == {*DESCRIBED, *REPORT, model.WEIGHTS}
        assert MyModel(dirpath=tmp_path / "0001", runtime="auto").platform == MyModel.FRAMEWORK
        return
    assert "agrees on 200 rows" in model.compiled_note
    compiled = MyModel(dirpath=tmp_path / "0001", runtime="auto")
    assert compiled.platform == "onnxruntime"
    if task == "regression":
        np.testing.assert_allclose(compiled.predict(X), model.predict(X), rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(compiled.predict(X), model.predict(X))
        np.testing.assert_allclose(compiled.predict(X, proba=True), model.predict(X, proba=True), rtol=1e-5, atol=1e-5)


def test_a_compiled_model_that_disagrees_is_refused(tmp_path: Path) -> None:
    X, y = numbers()
    model, other = MyModel(), MyModel()
    model.train(X, y)
    other.train(X, np.where(X[:, 0] > 0.5, "up", "down"))
    if compiles():
        (tmp_path / "model.onnx").write_bytes(other.to_onnx())
        with pytest.raises(ValueError, match="its labels differ from the model's"):
            compare(CompiledModel(tmp_path / "model.onnx"), model, model.preprocess(X))
    model.save(tmp_path / "0001")
    assert MyModel(dirpath=tmp_path / "0001", runtime="auto").platform == MyModel.FRAMEWORK
    with pytest.raises(ModelError, match="has no compiled model"):
        MyModel(dirpath=tmp_path / "0001", runtime="onnx")


def test_a_compiled_model_that_takes_too_long_is_left_out(tmp_path: Path) -> None:
    """The model is saved anyway, and training says what allows more time."""
    X, y = numbers()
    model = Endless()
    model.train(X, y)
    model.evaluate(X, y)
    for seconds, reason in ((0.5, "the conversion took longer than 0.5 seconds"), (0, "--extras_seconds is 0")):
        model.save(tmp_path / str(seconds), extras_seconds=seconds)
        assert files_of(tmp_path / str(seconds)) == {*DESCRIBED, model.WEIGHTS, *(REPORT if seconds else ())}
        if model.WEIGHTS != "model.onnx":
            assert reason in model.compiled_note
    assert sorted(files_of(tmp_path)) == ["0", "0.5"]
    np.testing.assert_array_equal(MyModel(dirpath=tmp_path / "0.5").predict(X), model.predict(X))


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


def explains() -> bool:
    return MyModel.contributions is not Model.contributions


def test_contributions_add_up_to_the_number_predicted() -> None:
    X, y = numbers("regression")
    model = MyModel(task="regression")
    model.train(X, y)
    if not explains():
        with pytest.raises(NotImplementedError, match="no explanations"):
            model.explain(X)
        return
    explanations = model.explain(X)
    sums = [item["base"] + sum(item["contributions"].values()) for item in explanations]
    np.testing.assert_allclose(sums, model.predict(X), rtol=1e-4, atol=1e-4)
    assert list(explanations[0]["contributions"]) == ["x0", "x1", "x2", "x3"]
    sizes = np.abs([list(item["contributions"].values()) for item in explanations]).mean(axis=0)
    assert list(np.argsort(sizes)[::-1][:2]) == [0, 1]  # what it was made of, in this order


@pytest.mark.parametrize("labels", [2, 3])
def test_a_label_is_explained_by_what_speaks_for_it(table: Table, labels: int) -> None:
    """Whichever label it is, and whatever the columns hold: numbers, truth values, text, missing values.

    Of two labels, it is explained in log-odds.
    """
    X, _ = table
    y = pd.qcut(X["monthly spend"], labels, labels=["low", "mid", "top"][:labels]).astype(str)
    model = MyModel()
    model.train(X, y)
    if not explains():
        with pytest.raises(NotImplementedError, match="no explanations"):
            model.explain(model.signature.conform(X))
        return
    explanations = model.explain(model.signature.conform(X))
    assert [item["prediction"] for item in explanations] == model.predict(X).tolist()
    assert {item["prediction"] for item in explanations} == set(y)
    contributions = pd.DataFrame([item["contributions"] for item in explanations])
    assert list(contributions.columns) == list(X.columns)
    assert contributions.abs().mean().idxmax() == "monthly spend"
    outer = [item["prediction"] != "mid" for item in explanations]
    assert (contributions.loc[outer, "monthly spend"] > 0).mean() > 0.9
    if labels == 2:
        log_odds = contributions.sum(axis=1) + [item["base"] for item in explanations]
        np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), model.predict(X, proba=True).max(axis=1), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["string", "category", "object"])
def test_text_may_have_any_dtype_and_columns_any_kind_of_name(dtype: str) -> None:
    text = pd.Series(["a", None, "b"] * 10).astype(dtype)
    X = pd.DataFrame({0: np.arange(30.0), 1: text})
    model = MyModel()
    model.train(X, ["no", "yes", "yes"] * 10)
    assert model.signature.names == ["0", "1"]
    assert len(model.predict(X)) == 30


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


def test_weights_that_changed_after_loading_are_not_read_to_explain(tmp_path: Path) -> None:
    """They may be code by now. An explanation reads them where the compiled model answers."""
    X, y = numbers("classification")
    model = MyModel()
    model.train(X, y)
    model.evaluate(X, y)
    model.save(tmp_path / "0001", extras_seconds=300)
    loaded = MyModel(dirpath=tmp_path / "0001", runtime="auto")
    weights = tmp_path / "0001" / MyModel.WEIGHTS
    if not explains():
        with pytest.raises(NotImplementedError, match="no explanations"):
            loaded.explainer()
        return
    assert loaded.compiled
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    for explain in (loaded.explainer, lambda: loaded.explain(X)):
        with pytest.raises(ModelError, match=f"{MyModel.WEIGHTS} is not the file .* has changed since .* reload"):
            explain()
    weights.unlink()
    with pytest.raises(ModelError, match=f"{MyModel.WEIGHTS} is missing.* has changed since .* reload"):
        loaded.explainer()
    weights.write_bytes(content)
    assert loaded.explainer().explain(X) == MyModel(dirpath=tmp_path / "0001").explain(X)
    weights.unlink()
    assert loaded.explainer().explain(X)  # of the copy that is there now


def test_a_model_evaluated_on_a_single_row_can_be_loaded(tmp_path: Path) -> None:
    X, y = numbers("regression")
    model = MyModel(task="regression")
    model.train(X, y)
    model.evaluate(X[:1], y[:1])
    model.save(tmp_path / "0001", extras_seconds=0)
    assert "r2" not in MyModel(dirpath=tmp_path / "0001").metrics


def test_labels_may_be_named_after_prediction(tmp_path: Path) -> None:
    """Evaluation compares what the data has, and the answer has the names."""

    class Named(MyModel):
        def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
            return np.array(["down", "up"])[y_hat]

    X, y = numbers()
    model = Named()
    model.train(X, (y == "up").astype(int))
    assert model.evaluate(X, (y == "up").astype(int))["accuracy"] > 0.8
    model.save(tmp_path / "0001")
    assert set(Named(dirpath=tmp_path / "0001").predict(X)) == {"down", "up"}


def test_a_loaded_model_can_be_saved_again(model_dir: Path, tmp_path: Path, table: Table) -> None:
    MyModel(dirpath=model_dir).save(tmp_path / "copy")
    copy = MyModel(dirpath=tmp_path / "copy")
    np.testing.assert_array_equal(copy.predict(table[0]), MyModel(dirpath=model_dir).predict(table[0]))


def test_a_model_that_was_never_trained_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train it"):
        MyModel().predict([[1.0]])
    with pytest.raises(ModelError, match="train it"):
        MyModel().save(tmp_path / "0001")


def test_rows_may_be_tensors(tmp_path: Path) -> None:
    """Images, series, spectra: the signature has their shape, and `prep_func` makes of them what the model takes."""

    class OfImages(MyModel):
        def preprocess(self, X: np.ndarray) -> np.ndarray:
            return X.reshape(len(X), -1)

    images = np.random.default_rng(0).random((60, 4, 3))
    labels = np.where(images[:, 0, 0] > 0.5, "bright", "dark")
    model = OfImages()
    model.train(images, labels)
    model.evaluate(images, labels)
    model.save(tmp_path / "0001", extras_seconds=0)
    loaded = OfImages(dirpath=tmp_path / "0001", runtime="auto")
    assert loaded.signature.inputs == (Tensor("input-0", "FP64", (-1, 4, 3)),)
    np.testing.assert_array_equal(loaded.predict(images), model.predict(images))
    (example,) = json.loads((tmp_path / "0001" / "input.json").read_text())["instances"]
    assert np.shape(example) == (4, 3)
    with pytest.raises(ValueError, match=r"\['rows', 4, 3\], got \[60, 3, 4\]"):
        loaded.predict(images.reshape(60, 3, 4))


def test_a_device_answers_and_is_named_or_is_refused(model_dir: Path, table: Table) -> None:
    """Never a silent fall back to the CPU."""
    on_cpu = MyModel(dirpath=model_dir)
    try:
        on_gpu = MyModel(dirpath=model_dir, device="cuda")
    except ModelError as error:
        assert "the device cuda was requested" in str(error)
        return
    assert on_gpu.platform == f"{MyModel.FRAMEWORK}_cuda"
    X, _ = table
    np.testing.assert_allclose(on_gpu.predict(X, proba=True), on_cpu.predict(X, proba=True), rtol=1e-3, atol=1e-5)


def test_a_device_trains_or_is_refused(table: Table) -> None:
    """Apart from answering: some frameworks only train on a GPU."""
    try:
        model = MyModel(device="cuda")
    except ModelError as error:
        assert "the device cuda was requested" in str(error)
        return
    model.train(*table)
    metrics = model.evaluate(*table)
    assert metrics["accuracy"] > metrics["baseline_accuracy"]


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


def test_probabilities_come_one_per_label(model: MyModel, table: Table) -> None:
    proba = model.predict(table[0], proba=True)
    assert proba.shape == (len(table[0]), 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_columns_are_found_by_name_in_any_order(model: MyModel, table: Table) -> None:
    X, _ = table
    np.testing.assert_array_equal(model.predict(X[X.columns[::-1]]), model.predict(X))


def test_text_never_seen_in_training_is_answered(model: MyModel, table: Table) -> None:
    assert len(model.predict(table[0].head(1).assign(plan="brand new"))) == 1


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


@pytest.mark.parametrize(
    ("X", "y", "complaint"),
    [
        (np.zeros((0, 3)), np.zeros(0), "empty"),
        (np.zeros((4, 3)), np.zeros(3), "4 rows and y has 3"),
        (np.zeros((4, 3)), np.zeros(4), "all training rows have the label"),
        (np.full((4, 3), np.inf), np.arange(4), "infinite"),
    ],
)
def test_data_with_nothing_to_learn_from_is_refused(X: np.ndarray, y: np.ndarray, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        MyModel().train(X, y)
