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


@pytest.mark.parametrize("given", ["--model", "--from-mlserver"])
def test_what_trains_is_refused_beside_a_model_that_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", given, "model.ubj", "--tune", "5", "--folds", "3"])
    with pytest.raises(SystemExit) as stopped:
        TrainingSettings.from_command_line()
    assert stopped.value.code == 2
    assert "an imported model is not trained: leave out --tune and --folds" in capsys.readouterr().err
