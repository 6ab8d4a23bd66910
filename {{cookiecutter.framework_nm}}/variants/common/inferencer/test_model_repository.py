"""Promises of loading: a new version takes over while the server runs, and one that cannot be loaded does not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from .._engine.serving.testing import Server


def test_a_new_version_takes_over_and_a_broken_one_does_not(model_dir: Path, rows: list[Any], tmp_path: Path) -> None:
    shutil.copytree(model_dir, tmp_path / "0001")
    with Server(tmp_path) as server:
        shutil.copytree(model_dir, tmp_path / "0002")
        assert server.post("/v2/repository/models/m/load", {}).status_code == 200

        shutil.copytree(model_dir, tmp_path / "0003")
        (tmp_path / "0003" / "input.json").write_text("{}")
        answer = server.post("/v2/repository/models/m/load", {})
        assert answer.status_code == 503
        assert "input.json" in answer.json()["error"]
        assert server.post("/v1/models/m:predict", {"instances": rows}).status_code == 200
