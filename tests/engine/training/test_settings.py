"""The training command's line, on every Python."""

from __future__ import annotations

import sys

import pytest
from _engine.training.settings import TrainingSettings


@pytest.mark.parametrize(
    ("arguments", "report", "inspect"),
    [
        ([], True, False),
        (["--no-report", "--inspect"], False, True),
        (["--report", "--no-inspect", "--data", "a.csv", "--target", "y"], True, False),
    ],
)
def test_a_flag_has_two_forms(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], report: bool, inspect: bool
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    settings = TrainingSettings.from_command_line()
    assert (settings.report, settings.inspect) == (report, inspect)
