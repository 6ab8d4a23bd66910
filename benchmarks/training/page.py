"""Writes docs/training.md: what was measured, beside the aims and table by table. Not here: how it is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..paths import TEMPLATE

PAGE = TEMPLATE / "docs" / "training.md"
#: The aims: points above the reference on average and on the worst table, seconds, and the share of compiled models.
MEAN, WORST, SECONDS, COMPILED = -2.0, -5.0, 60.0, 0.9
#: Why CatBoost compiles no model of some tables: the aim is for the others.
HAS_NONE = "CatBoost has none for models with columns of text"

Found = dict[str, list[dict[str, Any]]]

HEAD = """# How good the models are

Written by `make bench-training` on {date}. It trained each framework's project, without edits, on {count} tables that
packages ship or that were generated (at most {most} rows each). On the same rows it trained scikit-learn's histogram
gradient boosting with ordinal encoding, the reference. It split each table {splits} into three quarters for
training and one for evaluation. Points are accuracy or R2, times 100, as the mean over the splits. On a table of a
few hundred rows, a few points are chance.

Seconds are for training on the first split, with the compiled model and the report, on {cores} cores{shared}. Then a
server with all models answered rows of each table, those with missing values first: as rows and as tensors over REST,
and over gRPC. "Alike" counts the models whose three answers were the same as those of the model in the process.
"""


def write(found: Found, splits: int, date: str, cores: int, busy: float) -> None:
    """Write the page from what measuring.py printed of each framework; `busy` are the cores' processes at the time."""
    known = {framework: {one["table"]: one for one in lines} for framework, lines in found.items()}
    tables = list(dict.fromkeys(table for lines in known.values() for table in lines))
    head = HEAD.format(
        date=date,
        count=len(tables),
        most=f"{max(one.get('rows', 0) for _, one in _all(found)):,}",
        splits="once" if splits == 1 else f"{splits} times",
        cores=cores,
        shared=f" shared by about {busy:.0f} processes" if busy > cores else "",
    )
    rows = [
        [table, _kind(known, table), *(_cell(lines.get(table, {})) for lines in known.values())] for table in tables
    ]
    parts = [
        head,
        "## Aims\n",
        _aims(found),
        "## Table by table\n\nPoints, and in brackets how many points above the reference that is.\n",
        _markdown(["table", "rows", *found], rows),
        *_section("Not compiled", _not_compiled(found)),
        *_section("Refused, failed, or answered differently", _failures(found)),
    ]
    PAGE.write_text("\n".join(parts))


def _aims(found: Found) -> str:
    columns = [_verdicts(lines) for lines in found.values()]
    return _markdown(["", "aim", *found], [[*row, *(column[row] for column in columns)] for row in columns[0]])


def _verdicts(lines: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """What was measured of a framework, by what it is and by the aim, if there is one."""
    measured = [one for one in lines if "error" not in one]
    points = np.array([_points(one) for one in measured])
    seconds = np.array([one["seconds"] for one in measured])
    possible = [one for one in measured if HAS_NONE not in one["note"]]
    compiled = sum(map(_is_compiled, possible))
    alike = sum(not one["differs"] for one in measured)
    behind = int((points < WORST).sum())
    return {
        ("points above the reference, mean", f"≥ {MEAN:g}"): _verdict(f"{points.mean():+.1f}", points.mean() >= MEAN),
        ("points above the reference, worst table", f"≥ {WORST:g}"): _verdict(f"{points.min():+.1f}", not behind),
        (f"tables more than {-WORST:g} points behind", "0"): _verdict(f"{behind}", not behind),
        ("tables trained on", "all"): _verdict(f"{len(measured)} of {len(lines)}", len(measured) == len(lines)),
        ("seconds, median", ""): f"{np.median(seconds):.1f}",
        ("seconds, longest", f"≤ {SECONDS:g}"): _verdict(f"{seconds.max():.0f}", seconds.max() <= SECONDS),
        ("compiled models, where there can be one", f"≥ {COMPILED:.0%}"): _verdict(
            f"{compiled} of {len(possible)}", compiled >= COMPILED * len(possible)
        ),
        ("alike", "all"): _verdict(f"{alike} of {len(measured)}", alike == len(measured)),
    }


def _verdict(measured: str, reached: bool) -> str:
    return measured if reached else f"{measured}, **missed**"


def _points(one: dict[str, Any]) -> float:
    return 100 * float(np.mean(one["ours"]) - np.mean(one["theirs"]))


def _is_compiled(one: dict[str, Any]) -> bool:
    return str(one["note"]).startswith("Compiled")


def _kind(known: dict[str, dict[str, dict[str, Any]]], table: str) -> str:
    one = next((lines[table] for lines in known.values() if "rows" in lines.get(table, {})), {})
    return f"{one['rows']:,}{', a number' if one['task'] == 'regression' else ''}" if one else ""


def _cell(one: dict[str, Any]) -> str:
    return f"{100 * np.mean(one['ours']):.1f} ({_points(one):+.1f})" if "ours" in one else "-"


def _not_compiled(found: Found) -> list[str]:
    tables: dict[tuple[str, str], list[str]] = {}
    for framework, one in _all(found):
        if "note" in one and not _is_compiled(one):
            tables.setdefault((framework, one["note"]), []).append(one["table"])
    return [f"{framework}, {', '.join(names)}: {note}" for (framework, note), names in tables.items()]


def _failures(found: Found) -> list[str]:
    errors = [f"{framework}, {one['table']}: {one['error']}" for framework, one in _all(found) if "error" in one]
    return errors + [
        f"{framework}, {one['table']}, answered differently: {one['differs']}"
        for framework, one in _all(found)
        if one.get("differs")
    ]


def _all(found: Found) -> list[tuple[str, dict[str, Any]]]:
    return [(framework, one) for framework, lines in found.items() for one in lines]


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}\n", "\n".join(f"- {line}" for line in lines) + "\n"] if lines else []


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
