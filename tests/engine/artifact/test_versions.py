"""Promises of where models are found: a name leads to a model below MODEL_DIR or nowhere, and to its newest version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from _engine.artifact.versions import (
    current,
    directories_of,
    directory_of,
    drafted_versions,
    names_in,
    next_version,
    versions,
)
from _engine.contract.errors import ModelError


@pytest.fixture
def root(tmp_path: Path, sample_dir: Path) -> Path:
    shutil.copytree(sample_dir, tmp_path / "first")
    return tmp_path


@pytest.mark.parametrize("name", ["absent", "..", ".", "first/..", "../first", "/etc", "", "x" * 300])
def test_a_name_leads_to_a_model_in_the_directory_or_nowhere(root: Path, sample_dir: Path, name: str) -> None:
    shutil.copytree(sample_dir, root / "0001")  # which ".." must not find
    (root / "first" / "metadata.json").rename(root / "first" / "not a model")
    with pytest.raises(ModelError, match="there is no model"):
        directory_of(name, root / "first", "", "somewhere")


@pytest.mark.parametrize("name", [r"first\0001", "C:first"])
def test_a_name_that_is_a_way_on_windows_is_one_nowhere(root: Path, name: str) -> None:
    (root / "first").rename(root / name)
    with pytest.raises(ModelError, match="there is no model"):
        directory_of(name, root, "", "somewhere")


def test_other_names_do_not_lead_to_the_single_model(sample_dir: Path) -> None:
    with pytest.raises(ModelError, match="there is no model 'other'"):
        directory_of("other", sample_dir, "m", "somewhere")


def test_a_directory_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="which holds no model"):
        names_in(tmp_path, "", "somewhere")


def test_the_highest_version_is_served(tmp_path: Path) -> None:
    for version in ("0002", "0010", "9", "draft"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "metadata.json").touch()
    (tmp_path / "0011").mkdir()  # not a model: nothing has been saved there
    assert current(tmp_path) == tmp_path / "0010"
    assert directory_of("m", tmp_path, "m", "somewhere") == tmp_path / "0010"


def test_every_version_may_be_served_the_highest_first(root: Path) -> None:
    for version in ("9", "0010", "0011"):
        (root / "m" / version).mkdir(parents=True)
    (root / "m" / "9" / "metadata.json").touch()
    found = directories_of("m", root, "", "somewhere")
    assert [path.name for path in found] == ["0011", "0010", "9"]
    assert directories_of("first", root, "", "somewhere") == [root / "first"]


def test_versions_are_numbered_on_past_those_that_are_being_written(tmp_path: Path) -> None:
    assert next_version(tmp_path / "runs") == tmp_path / "runs" / "0001"
    for name in ("0002", "0010", "9", "notes", ".0011.partial", ".notes.partial"):
        (tmp_path / name).mkdir()
    assert [path.name for path in versions(tmp_path)] == ["0002", "9", "0010"]
    assert [path.name for path in drafted_versions(tmp_path)] == ["0011"]
    assert next_version(tmp_path) == tmp_path / "0012"
