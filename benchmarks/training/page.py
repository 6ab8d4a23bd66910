"""Writes docs/training.md: what was measured, table by table. Not here: how it is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..paths import TEMPLATE

PAGE = TEMPLATE / "docs" / "training.md"
#: Beyond these a framework is behind: points on average, points on one table, and seconds.
MEAN, WORST, SECONDS = -2.0, -5.0, 60.0

Found = dict[str, list[dict[str, Any]]]

HEAD = """# How good the models are

Written by `make bench-training` on {date}. It trained each framework's project, without edits, on {count} tables that
packages ship or that were generated (at most {most} rows each). On the same rows it trained scikit-learn's histogram
gradient boosting with ordinal encoding, the reference. It split each table {splits} times into three quarters for
training and one for evaluation. The tables show the mean accuracy or R2, in points, and in brackets how many points
above the reference that is. Seconds are for one training with the compiled model and the report, on {cores}
cores{shared}. Then a server with all models answered rows of each table, those with missing values
first: as rows and as tensors over REST, and over gRPC. "Alike" counts the models whose three answers were the same as
those of the model in the process.
"""


def write(found: Found, splits: int, date: str, cores: int, busy: float) -> None:
    """Write the page from what measuring.py printed of each framework; `busy` are the cores' processes at the time."""
    known = {framework: {one["table"]: one for one in lines} for framework, lines in found.items()}
    tables = list(dict.fromkeys(table for lines in known.values() for table in lines))
    most = max(one.get("rows", 0) for lines in found.values() for one in lines)
    shared = f" shared by about {busy:.0f} processes" if busy > cores else ""
    head = HEAD.format(date=date, count=len(tables), most=f"{most:,}", splits=splits, cores=cores, shared=shared)
    parts = [head, _summary(found)]
    rows = [
        [table, _kind(known, table), *(_cell(lines.get(table, {})) for lines in known.values())] for table in tables
    ]
    parts.append(_markdown(["table", "rows", *found], rows))
    errors = [f"- {framework}, {one['table']}: {one['error']}" for framework, one in _all(found) if "error" in one]
    errors += [
        f"- {framework}, {one['table']}, answered differently: {one['differs']}"
        for framework, one in _all(found)
        if one.get("differs")
    ]
    if errors:
        parts.append("Refused, failed, or answered differently:\n\n" + "\n".join(errors) + "\n")
    PAGE.write_text("\n".join(parts))


def _summary(found: Found) -> str:
    rows = []
    for framework, lines in found.items():
        measured = [one for one in lines if "error" not in one]
        points = np.array([_points(one) for one in measured])
        seconds = np.array([one["seconds"] for one in measured])
        compiled = sum(one["note"].startswith("Compiled") for one in measured)
        rows.append(
            [
                framework,
                f"{points.mean():+.1f}",
                f"{points.min():+.1f}",
                str((points < WORST).sum()),
                f"{np.median(seconds):.1f} s",
                f"{seconds.max():.0f} s",
                f"{compiled} of {len(measured)}",
                f"{sum(not one['differs'] for one in measured)} of {len(measured)}",
            ]
        )
    head = ["", "mean", "worst", f"worse than {WORST:+.0f}", "median time", "longest", "compiled", "alike"]
    return _markdown(head, rows)


def _points(one: dict[str, Any]) -> float:
    return 100 * float(one["ours"] - one["theirs"])


def _kind(known: dict[str, dict[str, dict[str, Any]]], table: str) -> str:
    one = next((lines[table] for lines in known.values() if "rows" in lines.get(table, {})), {})
    return f"{one['rows']:,}{', a number' if one['task'] == 'regression' else ''}" if one else ""


def _cell(one: dict[str, Any]) -> str:
    return f"{100 * one['ours']:.1f} ({_points(one):+.1f})" if "ours" in one else "-"


def _all(found: Found) -> list[tuple[str, dict[str, Any]]]:
    return [(framework, one) for framework, lines in found.items() for one in lines]


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
