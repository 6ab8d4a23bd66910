"""Promises of metadata.json: what is damaged, newer, or makes no sense is refused in a line; older files are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from _engine.artifact import metadata, stored
from _engine.contract.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path, sample_dir: Path) -> Path:
    """A model directory of today's format."""
    shutil.copytree(sample_dir, tmp_path / "0001")
    metadata.write(tmp_path / "0001", metadata.read(sample_dir))
    return tmp_path / "0001"


def opened(folder: Path) -> stored.Artifact:
    """The directory as loading opens it, which checks each file."""
    artifact = stored.Artifact.open(folder, "scikit-learn", ("model.joblib",))
    artifact.check()
    return artifact


def files(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["files"].update({name: "0" * 64})


def fields(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update(values)


def nested(content: dict[str, Any]) -> None:
    for _ in range(400):
        content["state"] = {"deeper": content["state"]}


SENSELESS = {
    "empty name": (files(""), "outside its directory: ''"),
    "the folder itself": (files("."), "outside its directory: '.'"),
    "an absolute path": (files("/etc/passwd"), "outside its directory: '/etc/passwd'"),
    "a way out": (files("model/../../x"), "outside its directory: 'model/../../x'"),
    "a way out on Windows": (files(r"model\..\..\x"), "outside its directory"),
    "another drive": (files("C:x"), "outside its directory: 'C:x'"),
    "Windows' separator": (files(r"model\x"), "impossible file name"),
    "a way round": (files("model//x"), "impossible file name: 'model//x'"),
    "a long name": (files("x" * 5000), f"impossible file name: '{'x' * 80}'"),
    "a NUL": (files("a\0b"), "impossible file name"),
    "a file that is not there": (files("other"), "other is missing"),
    "files that are none": (fields(files=["model.joblib"]), r"Expected `object`, got `array` - at `\$.files`"),
    "no weights": (lambda content: content["files"].pop("model.joblib"), "does not list model.joblib"),
    "ragged labels": (fields(labels=[[0], [1, 2]]), r"got `array` - at `\$.labels"),
    "labels of two kinds": (fields(labels=[0, "1"]), "labels of several kinds"),
    "no labels": (fields(labels=[]), "no labels"),
    "an unknown task": (fields(task="clustering"), "Invalid enum value 'clustering'"),
    "no columns": (fields(columns=[]), "lists no columns"),
    "one column twice": (lambda content: content["columns"].extend(content["columns"][:1]), "a column twice"),
    "columns that are none": (fields(columns=4), "Expected `array`, got `int`"),
    "no outputs": (fields(outputs=[]), "lists no outputs"),
    "a metric that is none": (fields(metrics={"accuracy": "high"}), r"Expected `float`, got `str`"),
    "another framework": (fields(platform="xgboost"), "is a model of xgboost; this package serves scikit-learn"),
    "a newer format": (fields(format=99), "has format 99, but this project reads 1 to 3: update it"),
    "a format that is none": (fields(format="new"), "Expected `int`, got `str`"),
    "nothing in it": (lambda content: content.clear(), "missing required field"),
    "a bottomless state": (nested, ""),
}


@pytest.mark.parametrize("damage", SENSELESS)
def test_what_makes_no_sense_is_refused_in_a_line(folder: Path, damage: str) -> None:
    """Even where the digest agrees, as after an edit of both files."""
    change, complaint = SENSELESS[damage]
    content = json.loads((folder / "metadata.json").read_text())
    change(content)
    (folder / "metadata.json").write_text(json.dumps(content))
    metadata.seal(folder)
    if damage == "a bottomless state" and metadata_is_read(folder):
        return  # how deep it may be is msgspec's
    with pytest.raises(ModelError, match=complaint) as error:
        opened(folder)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def metadata_is_read(folder: Path) -> bool:
    try:
        return bool(metadata.read(folder))
    except ModelError:
        return False


def test_damage_to_metadata_is_found(folder: Path) -> None:
    """As columns that changed places, which would silently answer other numbers."""
    found = metadata.read(folder)
    (folder / "metadata.json").write_bytes(
        msgspec.json.encode(msgspec.structs.replace(found, columns=tuple(reversed(found.columns))))
    )
    with pytest.raises(ModelError, match=r"metadata.json is damaged: its SHA-256 differs from metadata.sha256"):
        opened(folder)
    (folder / "metadata.sha256").unlink()
    with pytest.raises(ModelError, match=r"metadata.sha256 is missing"):
        opened(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\n", b"0  metadata.json\n"])
def test_a_damaged_digest_is_found(folder: Path, content: bytes) -> None:
    (folder / "metadata.sha256").write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        opened(folder)


@pytest.mark.parametrize("name", ["metadata.json", "model.joblib", "metadata.sha256"])
def test_a_file_that_is_a_folder_is_refused_in_a_line(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(ModelError, match=name) as error:
        opened(folder)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_refused_in_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root can read any file, so the system's refusal is played."""

    opening = Path.open

    def open_all_but(file: Path, *arguments: Any, **options: Any) -> Any:
        if file.name == "model.joblib":
            raise PermissionError(13, "Permission denied")
        return opening(file, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_all_but)
    with pytest.raises(ModelError, match="cannot be read: Permission denied"):
        opened(folder)


def test_the_first_format_is_read(sample_dir: Path, tmp_path: Path) -> None:
    """It had no digest, and said nothing of how the model was made."""
    content = {**msgspec.to_builtins(metadata.read(sample_dir))}
    del content["format"], content["made"]
    shutil.copytree(sample_dir, tmp_path / "0001")
    (tmp_path / "0001" / "metadata.json").write_text(json.dumps(content))
    (tmp_path / "0001" / "metadata.sha256").unlink(missing_ok=True)
    assert opened(tmp_path / "0001").metadata.made is None


def test_the_digest_is_as_sha256sum_prints_it(folder: Path) -> None:
    digest, name = (folder / "metadata.sha256").read_text().split("  ")
    assert (digest, name) == (stored.digest(folder / "metadata.json"), "metadata.json\n")


def test_a_copy_has_only_bytes_that_were_opened(folder: Path, tmp_path: Path) -> None:
    artifact = opened(folder)
    (tmp_path / "copy").mkdir()
    artifact.copy(tmp_path / "copy")
    assert stored.files_in(tmp_path / "copy") == stored.files_in(folder)
    (folder / "model.joblib").write_bytes(b"code")
    with pytest.raises(ModelError, match="has changed since the model was loaded"):
        artifact.copy(tmp_path / "copy")
