"""Promises of the repository's index: every version of every model, its state, and why it is not served."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List

import pytest
from _engine.contract.errors import ModelError
from _engine.serving.index import index
from _engine.serving.loading import Fetched, Loader
from _engine.serving.model import Serving


class Sdk:
    """What an SDK's model class does with a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Model(Serving, Sdk):
    """Loads nothing, and cannot be loaded where there is a file named broken; `stuck` is what it is made."""

    stuck = ""

    def load(self) -> bool:
        if (self.model_dir / "broken").exists():
            raise ModelError("it is broken")
        self.ready = True
        return True


@pytest.fixture
def root(tmp_path: Path, sample_dir: Path) -> Path:
    """Two versions of "a", the beginning of a third, and a model "b"."""
    for name in ("a/0001", "a/0002", "b"):
        shutil.copytree(sample_dir, tmp_path / name)
    (tmp_path / "a" / "0003").mkdir()
    (tmp_path / "a" / "0003" / "metadata.json").touch()
    return tmp_path


def loader(root: Path, published: List[Model]) -> Loader[Model]:
    return Loader(lambda: Fetched(root), "a place", "", Model, published.append)


def test_versions_are_those_on_disk_that_can_be_loaded(root: Path) -> None:
    assert Model("a", root / "a" / "0002").versions == ["0001", "0002"]
    assert Model("b", root / "b").versions == []


@pytest.mark.parametrize(
    ("version", "same"), [("2", True), ("0002", True), ("1", False), ("", False), ("x", False), ("²", False)]
)
def test_a_version_is_a_number(root: Path, version: str, same: bool) -> None:
    assert Model("a", root / "a" / "0002").is_version(version) is same
    assert not Model("b", root / "b").is_version(version)


def test_the_index_lists_what_is_served_and_what_is_not(root: Path) -> None:
    published: List[Model] = []
    loading = loader(root, published)
    for model in ("a", "b"):
        shutil.move(str(root / model), str(root / f".{model}"))
    loading.load_all(allow_none=True)
    for model in ("a", "b"):
        shutil.move(str(root / f".{model}"), str(root / model))
    loading.load("b")
    with pytest.raises(ModelError, match="no model 'nothing'"):
        loading.load("nothing")
    (root / "c").mkdir()
    (root / "c" / "metadata.json").touch()
    (root / "c" / "broken").touch()
    with pytest.raises(ModelError):
        loading.load("c")
    assert index(published, loading.names(), loading.failed) == [
        {"name": "b", "state": "READY"},
        {"name": "a", "state": "UNAVAILABLE", "reason": "not loaded"},
        {"name": "c", "state": "UNAVAILABLE", "reason": "it is broken"},
    ]
    (root / "c" / "broken").unlink()
    loading.load("c")
    assert {"name": "c", "state": "READY"} in index(published, loading.names(), loading.failed)


def test_the_index_says_of_each_version_which_is_served(root: Path) -> None:
    model = Model("a", root / "a" / "0002")
    model.load()
    assert index([model], ["a"], {}) == [
        {"name": "a", "version": "0001", "state": "UNAVAILABLE", "reason": "version 0002 is served"},
        {"name": "a", "version": "0002", "state": "READY"},
    ]
    model.stuck = "it has been in one call for 61 s"
    assert index([model], ["a"], {"a": "no"})[1]["reason"] == "it has been in one call for 61 s"


def test_no_model_is_an_error_unless_there_may_be_none(tmp_path: Path, sample_dir: Path) -> None:
    published: List[Model] = []
    loading = loader(tmp_path, published)
    with pytest.raises(ModelError, match="holds no model"):
        loading.load_all()
    loading.load_all(allow_none=True)
    assert index(published, loading.names(), loading.failed) == []
    shutil.copytree(sample_dir, tmp_path / "first")
    assert loading.names() == ["first"]
    loading.load("first")
    assert [model.name for model in published] == ["first"]
    with pytest.raises(ModelError, match="not a directory"):
        loader(tmp_path / "absent", published).load_all(allow_none=True)
