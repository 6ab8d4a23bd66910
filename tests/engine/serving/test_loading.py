"""Promises of loading by name: loads of one name are one after another, and nobody's download goes too early."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from _engine.contract.errors import ModelError
from _engine.contract.signature import Column, Signature
from _engine.drift.reference import Reference
from _engine.serving.loading import Fetched, Loader, local
from _engine.serving.model import Serving
from served import Numbers, serve


class Sdk:
    """What an SDK's model class does with a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Model(Serving, Sdk):
    """Loads nothing, and cannot be loaded where there is a file named broken."""

    def load(self) -> bool:
        if (self.model_dir / "broken").exists():
            raise ModelError("it is broken")
        return True


def loader(root: Path, published: List[Model], downloads: List[Path]) -> Loader[Model]:
    """Loads from a new copy of a repository of the models "a" and "b" each time."""

    def fetch() -> Fetched:
        copy = root / f"download-{len(downloads)}"
        downloads.append(copy)
        for name in "ab":
            (copy / name).mkdir(parents=True)
            (copy / name / "metadata.json").touch()
        return Fetched(copy, downloaded=True)

    return Loader(fetch, "somewhere", "", Model, published.append)


def test_a_download_stays_while_a_model_of_it_is_served_and_no_longer(tmp_path: Path) -> None:
    published: List[Model] = []
    downloads: List[Path] = []
    models = loader(tmp_path, published, downloads)
    models.load_all()
    models.load("a")
    assert [path.exists() for path in downloads] == [True, True]  # "b" is still that of the first
    del published[:2]
    gc.collect()
    assert [path.exists() for path in downloads] == [False, True]


class Watched(Numbers):
    """A model of the owner's that is watched for drift."""

    signature = Signature((Column("x", "FP64"),))
    example = np.array([[1.0]])
    reference = Reference({}, None)

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        values: np.ndarray = X[:, 0]
        return values


@pytest.mark.usefixtures("without_collecting")
def test_a_served_model_goes_without_the_garbage_collector(tmp_path: Path) -> None:
    """Which never looks at the models from the start."""
    model = serve(Watched(), tmp_path)
    gone = weakref.ref(model)
    assert model.watch
    del model
    assert gone() is None


def test_a_load_that_fails_publishes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    def fetch() -> Fetched:
        (tmp_path / "download" / "a").mkdir(parents=True)
        for name in ("metadata.json", "broken"):
            (tmp_path / "download" / "a" / name).touch()
        return Fetched(tmp_path / "download", downloaded=True)

    published: List[Model] = []
    with pytest.raises(ModelError, match="it is broken"):
        Loader(fetch, "somewhere", "", Model, published.append).load("a")
    gc.collect()
    assert (published, list(tmp_path.iterdir())) == ([], [])


def test_of_two_loads_of_one_name_the_later_one_stays(tmp_path: Path) -> None:
    """Though it could be quicker; a load of another name does not wait."""
    published: List[Model] = []
    downloads: List[Path] = []
    models = loader(tmp_path, published, downloads)
    fetch, began, go_on = models._fetch, threading.Event(), threading.Event()

    def slow_at_first() -> Fetched:
        models._fetch = fetch
        began.set()
        assert go_on.wait(30)
        return fetch()

    models._fetch = slow_at_first
    first = threading.Thread(target=models.load, args=("a",))
    first.start()
    assert began.wait(30)
    second = threading.Thread(target=models.load, args=("a",))
    second.start()
    models.load("b")
    assert [model.name for model in published] == ["b"]
    go_on.set()
    first.join()
    second.join()
    assert [model.model_dir.parent.name for model in published] == ["download-0", "download-1", "download-2"]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/mnt/models", "/mnt/models"),
        ("models", "models"),
        ("file:///mnt/a%20b", "/mnt/a b"),
        ("s3://bucket/models", None),
        ("https://host/models", None),
    ],
)
def test_what_is_not_on_this_machine_is_downloaded(address: str, path: str) -> None:
    assert local(address) == (path and Path(path))
