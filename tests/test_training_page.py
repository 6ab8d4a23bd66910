"""docs/training.md says of each aim what was measured, and which ones are missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.training import page

GOOD: dict[str, Any] = {
    "task": "classification",
    "rows": 150,
    "seconds": 2.0,
    "note": "Compiled model: model.onnx",
    "ours": [0.9, 0.8],
    "theirs": [0.8, 0.8],
    "differs": "",
}
NONE = {"note": "No compiled model: CatBoost has none for models with columns of text."}


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: dict[str, Any]) -> str:
    monkeypatch.setattr(page, "PAGE", folder / "training.md")
    named = [{"table": f"t{number}", **line} for number, line in enumerate(lines)]
    page.write({"sklearn": named}, 2, "2026-11-26", 2, 1.0)
    return page.PAGE.read_text()


def test_an_aim_that_is_reached_is_not_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write(tmp_path, monkeypatch, GOOD, {**GOOD, "ours": [0.76, 0.76]})
    assert "| points above the reference, mean | ≥ -2 | +0.5 |" in text
    assert "| points above the reference, worst table | ≥ -5 | -4.0 |" in text
    assert "| t0 | 150 | 85.0 (+5.0) |" in text
    assert "missed" not in text


@pytest.mark.parametrize(
    ("other", "missed"),
    [
        ({"ours": [0.6, 0.8], "theirs": [0.8, 0.8]}, "mean | ≥ -2 | -2.5, **missed** |"),
        ({"ours": [0.6, 0.8], "theirs": [0.8, 0.8]}, "worst table | ≥ -5 | -10.0, **missed** |"),
        ({"ours": [0.6, 0.8], "theirs": [0.8, 0.8]}, "behind | 0 | 1, **missed** |"),
        ({"seconds": 61.0}, "| seconds, longest | ≤ 60 | 61, **missed** |"),
        ({"note": "No compiled model: it is too large."}, "| ≥ 90% | 1 of 2, **missed** |"),
        ({"note": "No compiled model: it is too large."}, "- sklearn, t1: No compiled model: it is too large."),
        ({"differs": "1 is not 2"}, "| alike | all | 1 of 2, **missed** |"),
        ({"differs": "1 is not 2"}, "- sklearn, t1, answered differently: 1 is not 2"),
    ],
)
def test_an_aim_that_is_missed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], missed: str
) -> None:
    assert missed in write(tmp_path, monkeypatch, GOOD, {**GOOD, **other})


def test_a_table_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write(tmp_path, monkeypatch, GOOD, {"error": "DataError: no row"})
    assert "| tables trained on | all | 1 of 2, **missed** |" in text
    assert "- sklearn, t1: DataError: no row" in text


def test_what_cannot_be_compiled_misses_no_aim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write(tmp_path, monkeypatch, GOOD, {**GOOD, **NONE}, {**GOOD, **NONE})
    assert "| ≥ 90% | 1 of 1 |" in text
    assert "- sklearn, t1, t2: No compiled model: CatBoost has none" in text
