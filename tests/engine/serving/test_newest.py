"""Promises of which model is served: the newest that answers; each newer one gets a line, none at all a sentence."""

from __future__ import annotations

import json
import shutil
import traceback
from pathlib import Path
from types import MappingProxyType
from typing import Any, Mapping, Optional

import numpy as np
import pytest
from _engine.contract.errors import ModelError, NotAsAsked, owners_frames
from _engine.contract.signature import Column, Signature, Tensor
from _engine.drift.reference import Reference
from _engine.serving import newest
from _engine.serving.newest import load_newest
from _engine.serving.opening import open_model

#: Where the owner's code lies: beside the engine.
PACKAGE = Path(newest.__file__).parents[2]


class Model:
    """Takes two numbers, and answers what the code of the owner's file makes of them."""

    platform, has_proba = "test", False
    signature = Signature((Column("a", "FP64"), Column("b", "FP64")))
    code = "len(X)"
    advice, answers = "", "model.test answers"
    labels: Optional[np.ndarray] = None
    output_aliases: Mapping[str, str] = MappingProxyType({})
    threshold: float | None = None
    reference: Reference | None = None
    native_from: int | None = None

    def __init__(self, dirpath: Path, runtime: str, device: str, verify_key: Path | None) -> None:
        if not (dirpath / "metadata.json").exists():
            raise ModelError(f"{dirpath} is no model directory")
        self.example = np.array(json.loads((dirpath / "input.json").read_bytes())["instances"], dtype=float)
        self.outputs: tuple[Tensor, ...] = (Tensor("predict", "INT64", (-1,)),)

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        source = compile(
            f"answer = np.repeat({self.code}, len(X))", str(PACKAGE / "trainer" / "postprocessor.py"), "exec"
        )
        found: dict[str, Any] = {"X": X, "np": np}
        exec(source, found)
        return found["answer"]

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return y_hat

    def explain(self, X: Any) -> list[dict[str, Any]]:
        raise NotImplementedError

    def explainer(self) -> Model:
        return self

    native = explainer


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a sample and two trained models."""
    monkeypatch.setattr("logging.disable", lambda: None)  # for the whole process, which is the tests' here
    for name in ("example_models/0001", "trainer/0001", "trainer/0002"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metadata.json").write_text("{}")
        (tmp_path / name / "input.json").write_text('{"instances": [[1, 2]]}')
    return tmp_path


def found(package: Path, capsys: pytest.CaptureFixture[str], file: str = "") -> tuple[str, list[str]]:
    """What is printed for `make`: the path, below the package, and the lines beside."""
    newest.run(Model, package, file)
    printed, lines = capsys.readouterr()
    return str(Path(printed.strip()).resolve().relative_to(package)), lines.splitlines()


def test_the_newest_is_served(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(package, capsys) == ("trainer/0002", [])
    assert found(package, capsys, "input.json") == ("trainer/0002/input.json", [])


def test_newer_ones_that_do_not_answer_are_left_out_with_a_line_each(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "trainer" / "0003").mkdir()
    (package / "trainer" / "0002" / "input.json").write_text("{")
    path, lines = found(package, capsys)
    assert path == "trainer/0001"
    assert [line.partition(" is left out: ")[0][-4:] for line in lines] == ["0003", "0002"]
    shutil.rmtree(package / "trainer")
    assert found(package, capsys) == ("example_models/0001", [])


def test_where_none_answers_the_owner_is_told_where_and_what_to_do(
    package: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "code", "X['age']")
    with pytest.raises(SystemExit, match="none of these 3 models answers; train one: make train"):
        newest.run(Model, package)
    _, lines = capsys.readouterr()
    assert len(lines.splitlines()) == 3
    assert all(
        "IndexError: only integers" in line and "postprocessor.py, line 1)" in line for line in lines.splitlines()
    )


def test_one_directory_is_served_or_refused_in_its_own_words(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(ModelError, match="is no model directory"):
        load_newest([tmp_path], lambda directory: Model(directory, "auto", "cpu", None), said.append, "")
    assert not said


def test_what_only_the_settings_speak_against_is_not_left_out_for_an_older_one(package: Path) -> None:
    said: list[str] = []
    directories = [package / "trainer" / "0002", package / "trainer" / "0001"]
    with pytest.raises(NotAsAsked, match="0002 has no probabilities"):
        load_newest(directories, lambda directory: open_model(Model, directory, predict_proba=True), said.append, "")
    assert not said


def test_outputs_are_described_as_they_are_answered_now(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "code", "'setosa'")
    model, _, _ = open_model(Model, package / "trainer" / "0001")
    assert model.outputs == (Tensor("predict", "BYTES", (-1,)),)


def test_only_the_owners_part_of_a_traceback_is_shown(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "code", "undefined")
    with pytest.raises(ModelError, match="NameError") as raised:
        open_model(Model, package / "trainer" / "0001")
    assert "postprocessor.py" in "".join(traceback.format_list(owners_frames(raised.value.__cause__)))
    assert len(owners_frames(raised.value.__cause__)) == 1
