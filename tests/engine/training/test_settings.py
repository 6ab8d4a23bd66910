"""The training command's line, on every Python."""

from __future__ import annotations

import sys

import pytest
from _engine.contract.listed import join, split
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


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ([], ()),
        (["id,name"], ("id", "name")),
        (["id", "name"], ("id", "name")),
        (['"last, first"'], ("last, first",)),
        (['"last, first",id', "name"], ("last, first", "id", "name")),
        (['"the ""best"", so far"', "-"], ('the "best", so far', "-")),
    ],
)
@pytest.mark.parametrize("sign", [" ", "="])
@pytest.mark.parametrize(
    ("option", "name"), [("drop", "dropped"), ("missing", "spellings"), ("labels", "label_names"), ("columns", "kinds")]
)
def test_an_option_that_lists_things_takes_commas_in_quotes_and_is_given_several_times(
    monkeypatch: pytest.MonkeyPatch, option: str, name: str, sign: str, values: list[str], listed: tuple[str, ...]
) -> None:
    if option == "columns":  # whose kinds say where a name ends
        values = [f"{value}:text" for value in listed]
    arguments = [part for value in values for part in f"--{option}{sign}{value}".split(" ", sign == " ")]
    monkeypatch.setattr(sys, "argv", ["train", "--inspect", *arguments, "--data", "a.csv", "--target", "y"])
    settings = TrainingSettings.from_command_line()
    assert tuple(getattr(settings, name)) == listed
    assert settings.target == "y"
    monkeypatch.setattr(sys, "argv", ["train"])
    monkeypatch.setenv(f"TRAIN_{option.upper()}", ",".join(values))
    assert tuple(getattr(TrainingSettings.from_command_line(), name)) == listed


@pytest.mark.parametrize("option", ["drop", "missing", "labels"])
def test_a_list_with_a_quote_that_is_not_closed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", f"--{option}", 'id,"last, first'])
    with pytest.raises(SystemExit):
        TrainingSettings.from_command_line()
    assert f'--{option}: id,"last, first cannot be taken apart' in capsys.readouterr().err


@pytest.mark.parametrize("names", [["a"], ["last, first", "id"], ['"', '"a"', 'a"b'], ["-1", " ?", "a\nb"]])
def test_a_list_is_written_as_it_is_read(names: list[str]) -> None:
    assert split(join(names)) == tuple(names)
