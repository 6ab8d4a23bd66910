"""Draws what the dashboard shows, from a Prometheus that scrapes the model: docs/dashboard.svg.

usage: python tools/monitoring/picture.py http://localhost:9090 MODEL NAMESPACE MINUTES, where matplotlib 3.11.2 is
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True  # caches do not belong into the template's folder

from dashboard import Panel, panels  # noqa: E402
from matplotlib import pyplot  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: E402
from queries import MODEL, NAMESPACE  # noqa: E402

HERE = Path(__file__).parent
FILE = HERE.parents[1] / "docs" / "dashboard.svg"
UNITS = {"reqps": "requests per second", "percentunit": "share", "s": "seconds", "bytes": "bytes", "short": ""}


def draw(address: str, model: str, namespace: str, minutes: float) -> None:
    """Draw each panel as it was in the last minutes."""
    pyplot.rcParams["svg.fonttype"] = "none"  # text stays text
    drawn = panels(json.loads((HERE / "slos.json").read_text()))
    figure, places = pyplot.subplots((len(drawn) + 1) // 2, 2, figsize=(12, 1.5 * len(drawn)), layout="constrained")
    for place, panel in zip(places.flat, drawn, strict=False):
        for legend, query in panel.asked.items():
            asked = query.replace(MODEL, model).replace(NAMESPACE, namespace)
            for line in _lines(address, asked, minutes):
                times, values = zip(*line["values"], strict=True)
                name = _named(legend, line["metric"])
                place.plot([(at - times[-1]) / 60 for at in times], [float(value) for value in values], label=name)
        _finish(place, panel)
    figure.supxlabel("minutes", fontsize=8)
    figure.savefig(FILE, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda label: labels.get(label[1], ""), legend)


def _finish(place: Any, panel: Panel) -> None:
    if panel.limit is not None:
        place.axhline(panel.limit, color="tab:red", linewidth=0.8)
    place.set_title(panel.title, fontsize=10, loc="left")
    place.set_ylabel(UNITS[panel.unit], fontsize=8)
    place.set_ylim(bottom=0)
    place.tick_params(labelsize=8)
    place.legend(fontsize=7, loc="upper left")


def _lines(address: str, query: str, minutes: float) -> list[Any]:
    until = time.time()
    asked = {"query": query, "start": until - 60 * minutes, "end": until, "step": max(1, minutes)}
    with urllib.request.urlopen(f"{address}/api/v1/query_range?{urllib.parse.urlencode(asked)}", timeout=30) as answer:
        found: list[Any] = json.load(answer)["data"]["result"]
    return found


if __name__ == "__main__":
    draw(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
