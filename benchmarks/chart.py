"""The chart: one row, requests per second, as a ratio to the naive KServe model.

It runs in the tools' environment, as a file.
usage: chart.py RESULTS PICTURE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib  # type: ignore[import-not-found,import-untyped,unused-ignore]
from matplotlib import pyplot  # type: ignore[import-not-found,import-untyped,unused-ignore]

# The package that this file is in has the tables.
sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.figures import Numbers
from benchmarks.projects import MODELS
from benchmarks.servers import BASELINE, SERVERS

OURS, PEER, CEILING, INK = "#1f6f8b", "#b9c2c9", "#e8e4d8", "#30363b"
_LEAST = 0.05
_FAR = 1.35  # of the largest ratio: room for the figure at the end of the bar


def draw(results: Path, picture: Path) -> None:
    """Bars at 64 connections, dots at 1 and 16."""
    matplotlib.rcParams.update(
        {"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "svg.hashsalt": "bench"}
    )
    numbers = Numbers(json.loads(results.read_text()))
    models = [
        model
        for model in MODELS
        if "one c=64" in model.loads and numbers.load(model.key, BASELINE, "one c=64", "rate") is not None
    ]
    servers = [
        server
        for server in reversed(SERVERS)
        if any(numbers.ratio(model.key, server.key, "one c=64") is not None for model in models)
    ]
    height = 1.5 + 0.34 * len(servers)
    figure, panels = pyplot.subplots(
        1, len(models), figsize=(11, height), sharey=True, layout="constrained", squeeze=False
    )
    for panel, model in zip(panels[0], models):
        largest = 1.0
        for y, server in enumerate(servers):
            ratios = [numbers.ratio(model.key, server.key, f"one c={c}") for c in (1, 16, 64)]
            if ratios[2] is None:
                panel.text(_LEAST * 1.2, y, "not measured", va="center", fontsize=8, color="#8a9298")
                continue
            colour = OURS if server.ours else CEILING if server.key == "echo" else PEER
            panel.barh(y, ratios[2], height=0.62, color=colour, zorder=2)
            for ratio, marker in zip(ratios[:2], ("o", "D")):
                if ratio is not None:
                    panel.plot(ratio, y, marker, ms=4.5, mfc="white", mec=INK, mew=0.9, zorder=3)
            end = max(ratio for ratio in ratios if ratio is not None)
            largest = max(largest, end)
            panel.text(
                end * 1.13, y, f"{ratios[2]:.1f}x" if ratios[2] < 10 else f"{ratios[2]:.0f}x", va="center", fontsize=8
            )
        panel.axvline(1, color=INK, lw=0.8, zorder=1)
        panel.set_xscale("log")
        panel.set_xlim(_LEAST, largest * 2.6)
        ticks = [tick for tick in (0.1, 0.3, 1, 3, 10, 30, 100) if tick < largest * _FAR]
        panel.set_xticks(ticks, [f"{tick:g}x" for tick in ticks])
        panel.minorticks_off()
        panel.set_yticks(range(len(servers)), [server.title.strip("*") for server in servers])
        panel.grid(axis="x", color="#e6e9eb", zorder=0)
        panel.set_axisbelow(True)
        panel.tick_params(length=0, colors=INK)
        panel.spines[:].set_visible(False)
        panel.set_title(model.title, fontsize=10, loc="left")
    dots = [pyplot.Line2D([], [], ls="", marker=marker, ms=4.5, mfc="white", mec=INK) for marker in ("o", "D")]
    bar = pyplot.Rectangle((0, 0), 1, 1, color=OURS)
    labels = ["64 connections (figure)", "1 connection", "16 connections"]
    figure.legend([bar, *dots], labels, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(
        "One row: requests per second, as a ratio to a naive KServe model (log scale)", fontsize=11, x=0.01, ha="left"
    )
    figure.savefig(picture, dpi=130, facecolor="white", metadata={"Date": None} if picture.suffix == ".svg" else None)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
