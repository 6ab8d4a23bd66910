"""What a pickle would run is found out, in every form of pickles, and none of it runs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict

import joblib
import numpy as np
import pytest
from _engine.training.pickles import would_run
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


class Harm:
    """An object whose pickle makes a file when it is opened."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return exec, (f"open({str(self.file)!r}, 'w').close()",)


def joblib_of(item: Any, **options: Any) -> bytes:
    content = io.BytesIO()
    joblib.dump(item, content, **options)
    return content.getvalue()


def zipped(item: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(item))
    return content.getvalue()


FORMS: Dict[str, Callable[[Any], bytes]] = {
    **{f"protocol {number}": partial(pickle.dumps, protocol=number) for number in range(6)},
    "joblib": joblib_of,
    "in a joblib, behind an array": lambda item: joblib_of([np.arange(5.0), item]),
    "in an array of objects": lambda item: joblib_of(np.array([item, None])),
    "in a list of a dictionary": lambda item: pickle.dumps([{"a": {"b": (item,)}}]),
    "joblib, zlib": lambda item: joblib_of([np.arange(5), item], compress=3),
    **{f"joblib, {name}": partial(joblib_of, compress=(name, 3)) for name in ("gzip", "bz2", "xz", "lzma")},
    "gzip": lambda item: gzip.compress(pickle.dumps(item)),
    "zlib": lambda item: zlib.compress(pickle.dumps(item)),
    "bz2": lambda item: bz2.compress(pickle.dumps(item)),
    "lzma": lambda item: lzma.compress(pickle.dumps(item)),
    "as PyTorch's": zipped,
}


@pytest.mark.parametrize("form", FORMS)
def test_harm_is_named_and_never_runs(tmp_path: Path, form: str) -> None:
    harmed = tmp_path / "harmed"
    (tmp_path / "model.pkl").write_bytes(FORMS[form](Harm(harmed)))
    names = would_run(tmp_path / "model.pkl")
    assert "builtins.exec" in names or "__builtin__.exec" in names
    assert not any("cannot be read" in name for name in names)
    assert not harmed.exists()


@pytest.mark.parametrize("options", [{}, {"compress": 3}], ids=["plain", "compressed"])
def test_all_of_an_honest_pipeline_is_named(tmp_path: Path, options: Any) -> None:
    """To its end, arrays of objects and the nodes of trees included."""
    X = np.array([["a", 1.0], ["b", 2.0], ["a", 3.0]], dtype=object)
    for estimator in (LogisticRegression(), RandomForestClassifier(3)):
        pipeline = make_pipeline(make_column_transformer((OneHotEncoder(), [0]), ("passthrough", [1])), estimator)
        joblib.dump(pipeline.fit(X, ["x", "y", "x"]), tmp_path / "model.joblib", **options)
        names = would_run(tmp_path / "model.joblib")
        assert f"{type(estimator).__module__}.{type(estimator).__name__}" in names
        assert "sklearn.preprocessing._encoders.OneHotEncoder" in names
        assert not any("cannot be read" in name for name in names)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x05", b"no pickle", b"PK\x03\x04", b"\x78\x9c", pickle.dumps([1])[:-1]]
)
def test_what_cannot_be_read_is_not_called_harmless(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pkl").write_bytes(content)
    assert any("cannot be read" in name for name in would_run(tmp_path / "model.pkl"))


def test_in_a_folder_code_counts_too(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text("")
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: my.loader\n")
    (tmp_path / "saved_model.pb").write_bytes(b"\n\x09WriteFile\x12")
    assert would_run(tmp_path) == ["mine.py", "the module my.loader", "the operation WriteFile"]


def test_what_is_data_only_runs_nothing(tmp_path: Path) -> None:
    for name in ("model.ubj", "model.onnx", "model.txt", "MLmodel"):
        (tmp_path / name).write_text("loader_module: mlflow.sklearn")
    assert would_run(tmp_path) == []
