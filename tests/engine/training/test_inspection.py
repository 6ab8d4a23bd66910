"""Promises of the table that is printed before training: it fits in 80 columns, and keeps names out of logs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Signature
from _engine.training.inspection import show
from _engine.training.task import choose_task

ROWS = 60
X = pd.DataFrame(
    {
        "row": np.arange(1, ROWS + 1),
        "email": [f"user{n}@example.com" for n in range(ROWS)],
        "age": np.arange(ROWS) * 7 % 50 + 18.0,
        "plan": ["pro", "pro", "basic", None] * 15,
        "member": [True, False] * 30,
        "version": ["1.0"] * ROWS,
        "a [red]name[/red] that is longer than the room there is for it in a table": np.arange(ROWS) * 11 % 17 / 4,
        "closed": np.where(np.arange(ROWS) % 3 == 0, "Monday", "never"),
    }
)
Y = pd.Series(np.where(np.arange(ROWS) % 3 == 0, "leaves", "stays"), name="outcome")
NONE = pd.DataFrame(index=X.index)


def printed(
    capsys: pytest.CaptureFixture[str], X: pd.DataFrame = X, y: pd.Series = Y, parting: pd.DataFrame = NONE
) -> list[str]:
    show(X, y, Signature.learn(X), choose_task("auto", y), parting, 10)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_each_column_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys)
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["column", "kind", "example", "missing", "distinct", "use"]
    cells = {line.split()[0]: line.split()[1:] for line in lines[1:9]}
    assert cells["age"] == ["number", "42", "0", "50", "as", "it", "is"]
    assert cells["plan"] == ["text", "pro", "15", "2", "encoded"]
    assert cells["member"] == ["true", "or", "false", "True", "0", "2", "as", "0", "and", "1"]
    assert "a [red]name[/red]" in "\n".join(lines)


def test_no_name_gets_into_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor what names a row in another way."""
    text = "\n".join(printed(capsys))
    assert "example.com" not in text
    assert text.count("(not shown)") == 2


def test_a_terminal_shows_examples(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    assert "user0@example.com" in "\n".join(printed(capsys))


def test_what_is_odd_is_said_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(printed(capsys))
    for remark in (
        "Look at 'version': the same value in every row, so there is nothing to learn from it.",
        "Look at 'row': a different number in every row, like a row number; if it is one, leave it out of the file.",
        "Look at 'email': a different text in every row; if it only identifies the row, leave it out of the file.",
        "Look at 'closed': 'outcome' follows from it alone; if it is known only later, leave it out of the file.",
    ):
        assert remark in text
    assert text.count("Look at") == 4


def test_text_without_categories_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of categories makes nothing of it."""
    cabins = [f"cabin {n % 20}" for n in range(ROWS)]
    text = " ".join(printed(capsys, X[["plan", "email"]].assign(cabin=cabins, note=[None, *cabins[1:]])))
    assert "Look at 'cabin', 'note': no text that 10 rows share (--min_count), so there are no categories" in text


def test_copies_of_rows_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Not where columns have so few values that rows are bound to be alike."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    assert "copies" not in " ".join(printed(capsys, X))
    twice = pd.concat([X, X.iloc[:9]], ignore_index=True)
    y = pd.concat([Y, Y.iloc[:9]], ignore_index=True)
    said = " ".join(printed(capsys, twice, y, twice[[]]))
    assert (
        "9 of 69 rows are copies of an earlier one, so rows to evaluate on may be among those of training, too." in said
    )
    assert "copies" not in " ".join(printed(capsys, twice.round(), y, twice[[]]))


def test_the_target_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Target 'outcome': classification, because its values are not numbers." in " ".join(printed(capsys))
    assert "Rows by label: 'stays' 40, 'leaves' 20." in " ".join(printed(capsys))
    counts = pd.Series(np.arange(ROWS) % 15, name="calls")
    text = " ".join(printed(capsys, y=counts))
    assert "Target 'calls': regression, because it has 15 different whole numbers (if" in text
    assert "Its values go from 0 to 14, with a median of 7." in text
    prices = pd.Series(np.linspace(94_848.25, 1_498_430, ROWS), name="price")
    assert "Its values go from 94848.2 to 1,498,430, with a median of 796639." in " ".join(printed(capsys, y=prices))
    many = pd.Series([f"l{n}" for n in range(30)] * 2, name="y")
    assert "and 10 more labels." in " ".join(printed(capsys, y=many))


def test_a_wide_table_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    wide = pd.DataFrame({f"c{n}": ["same"] * ROWS for n in range(120)})
    lines = printed(capsys, X=wide)
    assert lines[41] == "and 80 more columns"
    assert "'c9' and 110 more: the same value" in " ".join(lines[42:])
    assert len(lines) < 50


def test_columns_that_part_the_rows_are_not_learnt_from(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, X=X[["age"]], parting=X[["email"]])
    assert lines[2].split() == ["email", "text", "(not", "shown)", "0", "60", "splits", "the", "rows"]


def test_what_a_cell_holds_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = pd.DataFrame({"x": ["\x1b[2Jgone\n[bold]"] * ROWS, "n": np.arange(ROWS) % 7})
    text = "\n".join(printed(capsys, X=nasty))
    assert "\x1b" not in text
    assert "\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}[bold]" in text
