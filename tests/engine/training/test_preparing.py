"""Promises of what is made of a table before training: what is learnt from its rows, and what is left out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.tables.files import DataError
from _engine.training.command import answerable
from _engine.training.preparing import Prepared, prepare
from _engine.training.settings import TrainingSettings

ROWS = 60
COLUMNS: dict[str, Any] = {
    "row": range(1, ROWS + 1),
    "customer id": range(70_001, 70_001 + ROWS),
    "year": range(1950, 1950 + ROWS),
    "email": [f"user{n}@example.com" for n in range(ROWS)],
    "title": [f"The title of book {n}" for n in range(ROWS)],
    "version": "1.0",
    "plan": ["pro", "basic", "team"] * 20,
    "late": [None] * (ROWS - 1) + [1.5],
    "never": None,
    "y": [0, 1] * 30,
}


def settings(**options: Any) -> TrainingSettings:
    return TrainingSettings(**options)


def prepared(folder: Path, columns: dict[str, Any] = COLUMNS, kinds: str = "", **options: Any) -> Prepared:
    pd.DataFrame(columns, index=range(ROWS)).to_csv(folder / "data.csv", index=False)
    return prepare(settings(data=folder / "data.csv", target="y", columns=kinds, **options))


def test_what_says_nothing_is_left_out_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A year is no row number, though it counts the rows, and neither is a title a key."""
    table = prepared(tmp_path, drop="plan", group="title")
    signature = table.signature(np.arange(ROWS))
    assert signature.unused == {
        "plan": "--drop names it",
        "never": "it has no values",
        "title": "it splits the rows",
        "row": "it names the rows",
        "customer id": "it names the rows",
        "email": "it names the rows",
        "version": "the same value in every row",
    }
    assert signature.names == ["year", "late"]
    printed = " ".join(capsys.readouterr().out.split())
    assert "left out: it names the rows" in printed
    assert "Clients may still send columns that are left out. To learn from one, use --columns NAME:KIND." in printed


def test_a_column_with_a_comma_is_left_out_as_any_other(tmp_path: Path) -> None:
    columns = {"x": np.arange(ROWS) % 7, "last, first": np.arange(ROWS) % 3, "y": [0, 1] * 30}
    assert prepared(tmp_path, columns, drop='"last, first"').signature(np.arange(ROWS)).names == ["x"]
    with pytest.raises(DataError, match='in a list of names, write "last, first", with the double quotes'):
        prepared(tmp_path, columns, drop="last, first")


def test_all_names_that_cannot_be_are_said_at_once(tmp_path: Path) -> None:
    """Those of columns that are left out may be any."""
    odd = {'say "hi"': range(ROWS), "two\nlines": COLUMNS["plan"], 'al"one': [n % 7 for n in range(ROWS)], 'on"e': 1}
    with pytest.raises(ValueError) as error:
        prepared(tmp_path, {**COLUMNS, **odd})
    assert (
        str(error.value)
        == r"""columns 'two\nlines', 'al"one': rename them without quotes, backslashes and line breaks"""
    )


def test_a_column_that_is_named_is_kept(tmp_path: Path) -> None:
    table = prepared(tmp_path, kinds="email:text,row:number")
    assert {"email", "row"} <= {*table.signature(np.arange(ROWS)).names}


def test_keys_alone_are_learnt_from(tmp_path: Path) -> None:
    """Names, of which each is another one, say something of their nation."""
    table = prepared(tmp_path, {"name": [f"Name{n}" for n in range(ROWS)], "same": 1, "y": [0, 1] * 30})
    assert table.signature(np.arange(ROWS)).names == ["name"]
    with pytest.raises(DataError, match="every column has the same value in every row"):
        prepared(tmp_path, {"same": 1, "y": [0, 1] * 30})


def test_what_is_missing_is_learnt_from_the_rows_of_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ages = [float(n % 7) for n in range(ROWS)]
    days = [f"2024-05-{n % 9 + 10}" for n in range(ROWS - 1)] + ["2025-01-01"]
    table = prepared(tmp_path, {"age": [*ages[:-2], None, None], "day": days, "y": [0, 1] * 30})
    training, others = np.arange(40), np.arange(40, ROWS)
    signature = table.signature(training)
    assert [column.nullable for column in signature.columns] == [False, False]
    assert signature.columns[1].form is not None
    assert getattr(signature.columns[1].form, "parts", ()) == ("days", "day", "weekday")
    assert table.signature(np.arange(ROWS)).columns[0].nullable
    model: Any = SimpleNamespace(signature=signature)
    assert answerable(table, others, model).tolist() == others[:-2].tolist()
    assert "2 evaluation rows have no value in 'age', though every training row has one." in capsys.readouterr().out
    with pytest.raises(DataError, match="no row is left to evaluate on"):
        answerable(table, others[-2:], model)


@pytest.mark.parametrize(
    ("columns", "kinds"),
    [
        ("zip:text", {"zip": "text"}),
        ("a,b:c:number,when:date", {"a,b:c": "number", "when": "date"}),
        ("when:date=%d/%m/%Y %H:%M,ok:bool", {"when": "date=%d/%m/%Y %H:%M", "ok": "bool"}),
        ("", {}),
    ],
)
def test_columns_and_their_kinds_are_named(columns: str, kinds: dict[str, str]) -> None:
    assert settings(columns=columns).kinds == kinds


@pytest.mark.parametrize("columns", ["zip", "zip:texts", "zip:text,", ":text"])
def test_a_kind_that_is_none_is_refused(columns: str) -> None:
    with pytest.raises(ValueError, match="expected NAME:KIND"):
        settings(columns=columns)


def test_a_separator_is_one_letter() -> None:
    assert settings(separator="\\t").separator == "\t"
    with pytest.raises(ValueError, match="expected one letter"):
        settings(separator="::")
