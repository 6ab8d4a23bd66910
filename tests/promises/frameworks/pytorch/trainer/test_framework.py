"""Promises of PyTorch's model, beside those of every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import pandas as pd
import pytest

from ..._engine.artifact import metadata
from ...trainer._core import ModelError
from ...trainer.model import MyModel

Table = Tuple[pd.DataFrame, pd.Series]


def test_a_compiled_model_does_not_tell_where_it_was_made(model_dir: Path) -> None:
    assert b".py" not in (model_dir / "model.onnx").read_bytes()


def test_weights_that_do_not_fit_the_code_are_refused_in_a_line(model_dir: Path, tmp_path: Path) -> None:
    """As those of a network of before `make_network` was changed."""
    (tmp_path / "0001").mkdir()
    for file in model_dir.iterdir():
        (tmp_path / "0001" / file.name).write_bytes(file.read_bytes())
    found = metadata.read(model_dir)
    found.state["network"]["width"] += 1
    metadata.write(tmp_path / "0001", found)
    with pytest.raises(ModelError, match=r"does not fit the network that make_network in model.py makes") as error:
        MyModel(dirpath=tmp_path / "0001")
    assert "\n" not in str(error.value)


def test_the_weights_can_be_read_by_another_user(model_dir: Path) -> None:
    """As the one that an image runs as."""
    assert (model_dir / MyModel.WEIGHTS).stat().st_mode & 0o044 == 0o044
