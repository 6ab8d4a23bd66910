"""The results of a run, looked up, and as they stand in a table. Not here: which tables there are."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from .servers import BASELINE


class Numbers:
    """Looks up results. None stands for what was not measured, or failed."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def rounds(self, model: str, server: str, load: str, what: str) -> dict[int, float]:
        """A figure of each round, and none at all where a round failed: numbers count without errors only."""
        if any((f["server"], f["model"], f["what"]) == (server, model, load) for f in self.data["failures"]):
            return {}
        found = [
            row for row in self.data["loads"] if (row["server"], row["model"], row["load"]) == (server, model, load)
        ]
        return {row["round"]: row[what] for row in found}

    def load(self, model: str, server: str, load: str, what: str) -> float | None:
        return median_of(self.rounds(model, server, load, what).values())

    def ratio(self, model: str, server: str, load: str, what: str = "rate", beside: str = "") -> float | None:
        """To the naive KServe model, under the same load or the one `beside`: the median of the ratios within a round,
        so that a slow spell cancels.
        """
        ours, theirs = self.rounds(model, server, load, what), self.rounds(model, BASELINE, beside or load, what)
        return median_of(ours[round] / theirs[round] for round in ours.keys() & theirs.keys())

    def why_not(self, model: str, server: str, load: str) -> str:
        """Why there is no figure of a server's with a model, or none of KServe's to compare it with."""
        failed = {(f["server"], f["what"]) for f in self.data["failures"] if f["model"] in (model, "")}
        for name in (server, BASELINE):
            if failed & {(name, load), (name, "start"), (name, "installation")}:
                return f"{name} failed: see what did not work"
        absent = (
            row["reason"] for row in self.data.get("absent", ()) if (row["server"], row["model"]) == (server, model)
        )
        return next(absent, f"not asked in this {self.data['form']} run")

    def start(self, model: str, server: str) -> float | None:
        return median_of(row["seconds"] for row in self._of("starts", model, server))

    def memory(self, model: str, server: str) -> float | None:
        return median_of(row["megabytes"] for row in self._of("memory", model, server))

    def _of(self, what: str, model: str, server: str) -> list[dict[str, Any]]:
        return [row for row in self.data[what] if (row["model"], row["server"]) == (model, server)]


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *(list(row) for row in rows)]
    marks = ["---"] + ["--:"] * (len(lines[0]) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], marks, *lines[1:]]) + "\n"


def both(ratio: float | None, value: float | None, digits: int = 0) -> str:
    """A ratio, and in small what it is of."""
    if value is None:
        return "-"
    return (f"{ratio:.2f}x" if ratio is not None else "") + f" ({value:,.{digits}f})"


def percent(share: float | None) -> str:
    return "?" if share is None else f"{share:.0%}"


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def median_of(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def divide(value: float | None, by: float | None) -> float | None:
    return value / by if value is not None and by else None
