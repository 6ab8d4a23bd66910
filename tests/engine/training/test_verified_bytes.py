"""Promises of loading: nothing is unpickled but what has the digests of metadata.json, whoever writes to the directory
meanwhile; and the log says which file answers.
"""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _engine.artifact import metadata, stored
from _engine.contract.errors import ModelError
from _engine.serving.opening import open_model
from _engine.training.model import Model
from pickled import Pickled

X = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
Y = np.array([0, 1, 0, 1])


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


class InFile(Pickled):
    """Chooses the larger column."""

    def fit(self, X: Any, y: np.ndarray) -> None:
        self.model = np.eye(2)

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        scores = X @ self.model
        return scores / scores.sum(axis=1, keepdims=True) if proba else np.asarray(self.labels)[scores.argmax(axis=1)]

    def contributions(self, X: Any) -> np.ndarray:
        return np.column_stack([X[:, 1] - X[:, 0], np.zeros((len(X), 2))])[:, None]


class InFolder(InFile):
    """Keeps the same in a folder."""

    WEIGHTS = "model"

    def dump(self, path: Path) -> None:
        path.mkdir()
        super().dump(path / "model.pkl")

    def restore(self, path: Path) -> None:
        super().restore(path / "model.pkl")


class Lazy(InFile):
    """Reads its weights when it answers, and not before, as some MLflow models do."""

    def restore(self, path: Path) -> None:
        self.path = path

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        if self.artifact:
            super().restore(self.path)
        return super().infer(X, proba)


KINDS = {"a file": InFile, "a folder": InFolder, "read later": Lazy}


def save(kind: type[Model], folder: Path) -> Path:
    model = kind()
    model.train(X, Y)
    model.save(folder)
    return folder


def exchanging(kind: type[Model], folder: Path, payload: Payload) -> type[Model]:
    """The kind of model, in whose directory all weights become a payload after the check, and before they are used."""

    class Exchanging(kind):  # type: ignore[valid-type, misc]
        def restore(self, path: Path) -> None:
            for name in metadata.read(folder).files:
                if name != "input.json":
                    (folder / name).write_bytes(pickle.dumps(payload))
            super().restore(path)

    return Exchanging


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_exchanged_between_check_and_use_are_never_unpickled(kind: str, tmp_path: Path) -> None:
    folder, was_run = save(KINDS[kind], tmp_path / "0001"), tmp_path / "was run"
    model, *_ = open_model(exchanging(KINDS[kind], folder, Payload(was_run)), folder)
    assert model.answer(X, False).tolist() == [0, 1, 0, 1]
    assert model.explainer().explain(X)[0]["prediction"] == 0
    assert not was_run.exists()
    with pytest.raises(ModelError, match="is not the file that was saved"):
        KINDS[kind](dirpath=folder)
    assert not was_run.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_an_explainer_needs_nothing_of_the_directory_that_was_loaded(kind: str, tmp_path: Path) -> None:
    folder = save(KINDS[kind], tmp_path / "0001")
    model = KINDS[kind](dirpath=folder)
    shutil.rmtree(folder)
    assert model.explainer().explain(X) == model.explain(X)


def test_a_private_copy_is_the_users_alone_and_goes_with_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, temporary = save(InFile, tmp_path / "0001"), tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    model = InFile(dirpath=folder)
    model.explainer()
    (copy,) = temporary.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o700
    del model
    assert not [*temporary.iterdir()]


def test_a_copy_that_is_refused_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for an explanation, again and again."""
    folder, temporary = save(InFile, tmp_path / "0001"), tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    artifact = stored.Artifact.open(folder, "test", ("model.pkl",))
    artifact.check()
    (folder / "model.pkl").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(ModelError, match="has changed since the model was loaded: reload the model"):
            artifact.private_weights()
    assert not [*temporary.iterdir()]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match=r"private copy, which cannot be written: .*; make room .* or set TMPDIR"):
        artifact.private_weights()


def replace(folder: Path, name: str, by: Callable[[Path], object]) -> None:
    (folder / name).unlink(missing_ok=True)
    by(folder / name)


CHANGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "other weights": ("model.pkl", lambda file: file.write_bytes(b"other"), "not the file that was saved"),
    "no weights": ("model.pkl", lambda file: None, "is missing, but .*metadata.json lists it"),
    "weights elsewhere": ("model.pkl", lambda file: file.symlink_to("/dev/null"), "is missing"),
    "weights that never end": ("model.pkl", lambda file: os.mkfifo(file), "is missing"),
    "another request": ("input.json", lambda file: file.write_text('{"instances": [[9, 9]]}'), "not the file that was"),
    "no metadata": ("metadata.json", lambda file: None, "is missing: .* is not a model directory"),
    "other metadata": ("metadata.json", lambda file: file.write_text('{"format": 2}'), "is damaged"),
    "no digest": ("metadata.sha256", lambda file: None, "metadata.sha256 is missing"),
    "another digest": ("metadata.sha256", lambda file: file.write_text("0"), "is damaged"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_directory_is_refused_before_anything_is_unpickled(change: str, tmp_path: Path) -> None:
    folder = save(InFile, tmp_path / "0001")
    name, by, complaint = CHANGES[change]
    replace(folder, name, by)
    if name == "input.json":  # it is the first file to be read, and then the last to be checked
        (folder / "model.pkl").write_bytes(pickle.dumps(Payload(tmp_path / "was run")))
    with pytest.raises(ModelError, match=complaint):
        InFile(dirpath=folder)
    assert not (tmp_path / "was run").exists()


def test_files_that_are_not_listed_are_never_seen(tmp_path: Path) -> None:
    folder = save(InFolder, tmp_path / "0001")
    (folder / "model" / "more.pkl").write_bytes(pickle.dumps(Payload(tmp_path / "was run")))
    model = InFolder(dirpath=folder)
    assert model.artifact and [file.name for file in model.artifact.private_weights().iterdir()] == ["model.pkl"]


def test_links_to_the_files_that_were_saved_are_followed(tmp_path: Path) -> None:
    """As Kubernetes mounts them."""
    folder = save(InFile, tmp_path / "0001")
    (folder / "model.pkl").rename(tmp_path / "elsewhere")
    (folder / "model.pkl").symlink_to(tmp_path / "elsewhere")
    assert InFile(dirpath=folder).predict(X).tolist() == [0, 1, 0, 1]


def test_the_log_can_say_which_file_answers(tmp_path: Path, sample_dir: Path) -> None:
    assert InFile(dirpath=save(InFile, tmp_path / "0001")).answers == "model.pkl answers"

    class Sample(InFile):
        FRAMEWORK, WEIGHTS = "scikit-learn", "model.joblib"

        def restore(self, path: Path) -> None:
            raise AssertionError("the weights were opened")

    assert Sample(dirpath=sample_dir, runtime="auto").answers == "model.onnx answers, model.joblib was not opened"
