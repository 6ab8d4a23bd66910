"""Versions beside each other: tables of what they were made with and how well they do. Not here: a version's report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..artifact import metadata
from ..artifact.metadata import Metadata
from ..artifact.versions import versions
from ..contract.columns import Column
from ..contract.errors import ModelError
from .words import number

#: The settings that do not change a model.
WITHOUT_EFFECT = ("extras_seconds", "report", "report_rows", "allow_useless")


def find(folder: Path, name: str) -> Path:
    """The version of a folder with that number. Raises ModelError where there is none."""
    there = versions(folder)
    for path in there:
        if name.isdecimal() and int(path.name) == int(name):
            return path
    names = ", ".join(path.name for path in there) or "none yet: make train"
    raise ModelError(f"{folder} has no version {name!r}; there is {names}")


def overview(folder: Path) -> Group:
    """All versions: data, the options that differ between them, and metrics; and those that cannot be read."""
    found: Dict[str, Metadata] = {}
    damaged: List[str] = []
    for path in versions(folder):
        try:
            found[path.name] = metadata.read(path)
        except ModelError as error:
            damaged.append(f"{path.name} cannot be read: {error}")
    chosen = {version: _choices(one) for version, one in found.items()}
    differing = [name for name, values in _side_by_side(list(chosen.values())) if _differ(values) or len(found) == 1]
    scores = list(dict.fromkeys(name for one in found.values() for name in _metrics(one)))
    table = _table("version", "made", "data", "options that differ" if len(found) > 1 else "options", *scores)
    for version, one in found.items():
        options = ", ".join(f"{name} {chosen[version][name]}" for name in differing if name in chosen[version]) or "-"
        made = one.made.time.replace("T", " ").replace("Z", "") if one.made else "-"
        metrics = _metrics(one)
        cells = (version, made, _data(one), options, *(number(metrics.get(name)) for name in scores))
        table.add_row(*map(_plain, cells))
    return Group(*[table] * bool(found), *map(_plain, damaged))


def comparison(first: Path, second: Path) -> Table:
    """What differs between two versions: a row for each thing. Raises ModelError where one cannot be read."""
    ours, theirs = metadata.read(first), metadata.read(second)
    table = _table("", first.name, second.name, "change")
    for what, (one, other) in _side_by_side([_facts(ours), _facts(theirs)]):
        if one != other:
            table.add_row(*map(_plain, (what, str(one), str(other), "")))
    for what, (one, other) in _side_by_side([_metrics(ours), _metrics(theirs)]):
        both = isinstance(one, float) and isinstance(other, float)
        if one != other:
            cells = [number(value) if isinstance(value, float) else value for value in (one, other)]
            change = f"{'+' if other > one else '-'}{number(abs(other - one))}" if both else ""
            table.add_row(*map(_plain, (what, *cells, change)))
    return table


def _facts(one: Metadata) -> Dict[str, Any]:
    """What a model was made with, by name."""
    made = one.made
    columns = {f"column {column.name!r}": _told(column) for column in one.columns}
    return {
        "data": _data(one),
        "SHA-256 of the data": (made.data.sha256 if made and made.data else None) or "-",
        "commit": made.commit.sha if made and made.commit else "-",
        **{name: version for name, version in one.versions.items()},
        "task": one.task,
        "labels": "-" if one.labels is None else ", ".join(map(str, one.labels)),
        "threshold": "-" if one.threshold is None else one.threshold,
        "compiled model": "yes" if one.compiled else "no",
        **columns,
        **_choices(one),
    }


def _told(column: Column) -> str:
    spelt = "" if column.form is None else f" such as {column.form.example}"
    return f"{column.kind}{spelt}{' or missing' * column.nullable}"


def _choices(one: Metadata) -> Dict[str, str]:
    if one.made is None:
        return {}
    chosen = {**one.made.hyperparameters, **one.made.settings}
    return {
        name: str(value) for name, value in chosen.items() if name not in WITHOUT_EFFECT and value not in (None, "")
    }


def _metrics(one: Metadata) -> Dict[str, float]:
    return {name: value for name, value in one.metrics.items() if not name.startswith("baseline_")}


def _data(one: Metadata) -> str:
    data = one.made.data if one.made else None
    return f"{data.file or 'sample data'}, {data.rows:,} rows" if data else "-"


def _side_by_side(all_of: List[Dict[str, Any]]) -> Iterator[Tuple[str, List[Any]]]:
    """Each name, and what each of the dictionaries has under it, or a dash."""
    for name in dict.fromkeys(name for one in all_of for name in one):
        yield name, [one.get(name, "-") for one in all_of]


def _differ(values: List[Any]) -> bool:
    return any(value != values[0] for value in values)


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _plain(text: str) -> Text:
    """Text that does nothing to a terminal."""
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))
