"""What is printed of a table before it is trained on: its columns, its target, and what is odd about them.

Not here: what a column is (tables/profile.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Optional

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..contract.dates import Dates
from ..contract.signature import Column, Signature
from ..reporting.listing import some
from ..tables import profile
from .task import Task

#: Columns, labels, and names in a remark that are listed, at most.
COLUMNS, LABELS, NAMES = 40, 20, 10
#: What becomes of a column, by its kind.
USES = {"number": "as it is", "true or false": "as 0 and 1", "text": "encoded"}


def show(
    X: pd.DataFrame, y: pd.Series, signature: Signature, task: Task, left_out: pd.DataFrame, min_count: int
) -> None:
    """Print what the columns to learn from are taken for, those that only part the rows, and the target. Where that is
    no terminal, texts that fewer than `min_count` rows share are not printed."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
    console.print(_table(X, signature, left_out, min_count, console.is_terminal))
    if X.shape[1] > COLUMNS:
        console.print(f"and {X.shape[1] - COLUMNS} more columns")
    if signature.unused:
        console.print("Clients may still send columns that are left out. To learn from one, use --columns NAME:KIND.")
    for sentence in (*_remarks(X.drop(columns=[*signature.unused], errors="ignore"), y, min_count), _target(y, task)):
        console.print(_plain(sentence))


def _table(X: pd.DataFrame, signature: Signature, left_out: pd.DataFrame, min_count: int, terminal: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("column", overflow="fold", max_width=26)
    table.add_column("kind")
    table.add_column("example", overflow="ellipsis", no_wrap=True, max_width=18)
    table.add_column("missing", justify="right")
    table.add_column("distinct", justify="right")
    table.add_column("use")
    known = {column.name: column for column in signature.columns}
    columns = [(X[name], _use(known.get(name), signature.unused.get(name, ""))) for name in X.columns[:COLUMNS]]
    columns += [(left_out[name], "splits the rows") for name in left_out]
    for values, use in columns:
        column = known.get(values.name) or signature.learn_column(values.name, values)
        found = profile.describe(column, values, min_count)
        # What is not printed on a terminal is kept in a log.
        example = found.example if terminal or found.shared else "(not shown)"
        cells = (found.name, found.kind, example, str(found.missing), str(found.distinct), use)
        table.add_row(*map(_plain, cells))
    return table


def _use(column: Optional[Column], why_unused: str) -> str:
    """What becomes of a column."""
    if column is None:
        return f"left out: {why_unused}"
    return ", ".join(column.form.parts) if isinstance(column.form, Dates) else USES[column.kind]


def _remarks(X: pd.DataFrame, y: pd.Series, min_count: int) -> Iterator[str]:
    """A sentence on each kind of oddness, with the columns that have it."""
    constant = [name for name in X if profile.constant(X[name])]
    numbering = [name for name in X if profile.numbers_rows(X[name])]
    naming = [name for name in X if profile.names_rows(X[name])]
    rare = [name for name in X if name not in (*constant, *naming) and profile.without_categories(X[name], min_count)]
    telling = [name for name in X if name not in constant and profile.gives_away(X[name], y)]
    found = (
        ("the same value in every row, so there is nothing to learn from it", constant),
        ("a different number in every row, like a row number; if it is one, leave it out of the file", numbering),
        ("a different text in every row; if it only identifies the row, leave it out of the file", naming),
        (
            f"no text that {min_count} rows share (--min_count), so there are no categories to learn; only a model "
            "that reads text, or what you derive in prep_func, makes use of it",
            rare,
        ),
        (f"{y.name!r} follows from it alone; if it is known only later, leave it out of the file", telling),
    )
    for what, names in found:
        if names:
            yield f"Look at {some(map(repr, names), NAMES)}: {what}."
    copies = profile.copies(X, y)
    if copies:
        yield (
            f"{copies} of {len(X)} rows are copies of an earlier one, so rows to evaluate on may be among those of "
            "training, too. Leave copies out of the file, or keep them together with --group."
        )


def _target(y: pd.Series, task: Task) -> str:
    start = f"Target {y.name!r}: {task.name}, {task.why}."
    if task.name == "regression":
        least, most, median = (_number(value) for value in (y.min(), y.max(), y.median()))
        return f"{start} Its values go from {least} to {most}, with a median of {median}."
    counts = y.value_counts()
    listed = ", ".join(f"{label!r} {rows}" for label, rows in counts.iloc[:LABELS].items())
    more = f", and {len(counts) - LABELS} more labels" if len(counts) > LABELS else ""
    return f"{start} Rows by label: {listed}{more}."


def _plain(text: str) -> Text:
    """Text that does nothing to a terminal."""
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


def _number(value: float) -> str:
    """Six digits, without an exponent where people would write none."""
    return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"
