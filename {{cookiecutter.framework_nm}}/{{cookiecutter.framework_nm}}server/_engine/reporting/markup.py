"""Pieces of a page: tables, figures, and text that is only text. Whatever comes from data goes through `text`.

Not here: what a report says (page.py).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

#: Labels, columns and importances that are listed; report.json has all.
LISTED = 50


def figure(title: str, picture: str, caption: str) -> str:
    return f"<figure><h3>{text(title)}</h3>{picture}<figcaption>{text(caption)}</figcaption></figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """A table, the first column of which names its rows; `numbers` are the columns that are aligned to the right."""
    right = {at: ' class="n"' for at in numbers}
    names = "".join(f'<th scope="col"{right.get(at, "")}>{text(name)}</th>' for at, name in enumerate(head))
    lines = [
        f'<tr><th scope="row"{right.get(0, "")}>{text(first)}</th>'
        + "".join(f"<td{right.get(at, '')}>{text(cell)}</td>" for at, cell in enumerate(others, 1))
        + "</tr>"
        for first, *others in rows
    ]
    top = f"<thead><tr>{names}</tr></thead>" if any(head) else ""
    return f'<div class="scroll" tabindex="0"><table>{top}<tbody>{"".join(lines)}</tbody></table></div>'


def more(number: int) -> str:
    return f'<p class="note">{number - LISTED:,} more are in report.json.</p>' if number > LISTED else ""


def text(value: Any) -> str:
    """Text as HTML that shows it, whatever it is made of."""
    shown = (letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))
    return html.escape("".join(shown))
