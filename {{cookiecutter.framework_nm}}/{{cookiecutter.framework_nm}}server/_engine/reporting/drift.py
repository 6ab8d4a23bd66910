"""A table beside the rows of training, as lines and as a page: which columns moved, and how far.

Not here: counting and comparing, which drift/ does.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import Template
from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from ..contract.rows import as_sent
from ..contract.signature import Column
from ..drift.bins import Bins, Comparison
from . import words
from .markup import LISTED, table, text
from .page import TEMPLATE

#: The population stability index from which on a column has moved, and from which on it has moved far.
MOVED, FAR = 0.1, 0.25


class Compared(NamedTuple):
    """A column of a table, or the predictions, where `column` is None: its bins, how many rows of now each of them has,
    and what came of comparing them."""

    column: Optional[Column]
    bins: Bins
    counts: np.ndarray
    found: Comparison


def lines(compared: Sequence[Compared]) -> List[str]:
    """What is said at the terminal, the columns that moved most first."""
    width = max(len(one.found.name) for one in compared)
    return [
        f"  {one.found.name:<{width}}  {one.found.psi:6.3f}  {_said(one.found)}"
        for one in sorted(compared, key=_by_psi)
    ]


def write(title: str, rows: int, compared: Sequence[Compared], remarks: Sequence[str]) -> str:
    """The page: `title` names the table and the model, `rows` are those of the table."""
    body = "\n".join(_sections(title, rows, sorted(compared, key=_by_psi), remarks))
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(title=text(title), body=body)


def _by_psi(one: Compared) -> float:
    return -one.found.psi


def _sections(title: str, rows: int, compared: Sequence[Compared], remarks: Sequence[str]) -> Iterator[str]:
    moved = [one for one in compared if one.found.psi >= MOVED]
    lead = f"{len(moved)} of {len(compared)} moved, by {rows:,} rows." if moved else f"Nothing moved, by {rows:,} rows."
    yield f'<header><h1>{text(title)}</h1><p class="lead">{text(lead)}</p></header>'
    if remarks:
        yield f'<ul class="remarks">{"".join(f"<li>{text(remark)}</li>" for remark in remarks)}</ul>'
    yield "<h2>Columns</h2>"
    yield table(
        ("column", "index", "", "missing", "in training", "unseen", "in training"),
        [_row(one.found) for one in compared[:LISTED]],
        numbers=(1, 3, 4, 5, 6),
    )
    yield (
        '<p class="note">The index is the population stability index: below 0.1 a column is as in training, from '
        "0.25 on it is far from it. Unseen are texts that training saw never, or seldom.</p>"
    )
    for one in moved[:LISTED]:
        yield f"<h2>{text(one.found.name)}: {one.found.psi:.3f}</h2>{_bars(one)}"


def _row(found: Comparison) -> List[str]:
    shares = (found.missing, found.missing_in_training, found.unseen, found.unseen_in_training)
    return [found.name, f"{found.psi:.3f}", _said(found), *map(words.percent, shares)]


def _said(found: Comparison) -> str:
    return "moved far" if found.psi >= FAR else "moved" if found.psi >= MOVED else "as in training"


def _bars(one: Compared) -> str:
    """A line for each bin: its share of the rows of training, and of those of now."""
    then, now = (np.asarray(counts) / max(1, np.sum(counts)) for counts in (one.bins.counts, one.counts))
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td>{_bar(before, "s0")}{_bar(after, "s1")}</td>'
        f'<td class="n">{words.percent(before)}<br>{words.percent(after)}</td></tr>'
        for name, before, after in zip(_names(one), then, now)
        if before or after
    )
    key = '<ul class="key"><li class="s0">training</li><li class="s1">the table</li></ul>'
    return f'{key}<div class="scroll" tabindex="0"><table class="bars"><tbody>{rows}</tbody></table></div>'


def _bar(share: float, series: str) -> str:
    return f'<span class="bar" style="width: {100 * share:.1f}%; background: var(--{series})"></span>'


def _names(one: Compared) -> List[str]:
    """What the bins are."""
    bins, column = one.bins, one.column
    if bins.texts is not None:
        return [*bins.texts, "others", "missing"]
    if column is not None and column.datatype == "BOOL":
        return [*["false", "true"][: len(bins.edges) + 1], "missing"]
    edges = [str(as_sent(column, edge)) if column else f"{edge:g}" for edge in bins.edges]
    if not edges:
        return ["there", "missing"]
    between = [f"above {edges[at - 1]}, up to {edges[at]}" for at in range(1, len(edges))]
    return [f"up to {edges[0]}", *between, f"above {edges[-1]}", "missing"]
