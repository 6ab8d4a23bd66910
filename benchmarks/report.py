"""The page: tables of ratios, from the results of a run."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from .paths import CHART
from .projects import MODELS, Model
from .servers import BASELINE, SERVERS, Server

_CEILING = "echo"
_ONE = ("one c=1", "one c=16", "one c=64")
_BULK = ("bulk json", "bulk binary")


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "busy": os.getloadavg()[0],
    }


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
        return _median(self.rounds(model, server, load, what).values())

    def ratio(self, model: str, server: str, load: str, what: str = "rate") -> float | None:
        """To the naive KServe model: the median of the ratios within a round, so that a slow spell cancels."""
        ours, theirs = self.rounds(model, server, load, what), self.rounds(model, BASELINE, load, what)
        return _median(ours[round] / theirs[round] for round in ours.keys() & theirs.keys())

    def start(self, model: str, server: str) -> float | None:
        return _median(row["seconds"] for row in self._of("starts", model, server))

    def memory(self, model: str, server: str) -> float | None:
        return _median(row["megabytes"] for row in self._of("memory", model, server))

    def _of(self, what: str, model: str, server: str) -> list[dict[str, Any]]:
        return [row for row in self.data[what] if (row["model"], row["server"]) == (model, server)]


def page(data: dict[str, Any]) -> str:
    """The whole of docs/performance.md."""
    numbers = Numbers(data)
    quick = (
        "**From a quick run: few rounds, not all peers. Take the order of things from it, not the digits.**\n\n"
        if data["quick"]
        else ""
    )
    parts = [
        "# Performance\n",
        f"![One row: requests per second, as a ratio to a naive KServe model]({CHART.name})\n",
        f"{quick}Servers under the same load on one core each, in turns, within one run. `2.00x` is the ratio to a\n"
        "naive KServe model (`np.array` on the request, `.tolist()` on the answer, KServe's defaults). Ratios travel\n"
        "from one machine to another; requests per second, in brackets, do not.\n",
        "## What was aimed at\n",
        _table(("aim", "model", "at least or at most", "measured"), _aims(numbers)),
        ratios(data),
        "## How it was measured\n",
        _how(data),
    ]
    return "\n".join(parts).rstrip() + "\n"


def ratios(data: dict[str, Any]) -> str:
    """All tables of ratios, and what did not work; nothing is judged."""
    numbers = Numbers(data)
    parts = []
    for model in MODELS:
        if _ONE[0] in model.loads and _present(numbers, model):
            parts += [f"## One row: {model.title}\n", _one_row(numbers, model)]
    parts += [
        "## 1000 rows\n",
        "Requests per second over four connections. Ours, KServe and MLServer speak V2, ours and KServe in bytes too;\n"
        "the others get a JSON list of rows, and are compared with KServe's V2 in JSON.\n",
        *(_bulk(numbers, model) for model in MODELS if "bulk json" in model.loads and _present(numbers, model)),
        "## Start and memory\n",
        "From the start of the process to its first right answer, files already read once; resident memory of all the\n"
        "server's processes after the loads.\n",
        _starts(numbers),
    ]
    if data["failures"]:
        parts += ["## What did not work\n", *_failures(data)]
    return "\n".join(parts)


def _one_row(numbers: Numbers, model: Model) -> str:
    rows = []
    for server in _present(numbers, model):
        at = (model.key, server.key)
        rates = [_both(numbers.ratio(*at, load), numbers.load(*at, load, "rate")) for load in _ONE]
        latency = _both(numbers.ratio(*at, _ONE[0], "p50"), numbers.load(*at, _ONE[0], "p50"), digits=2)
        tail = _number(numbers.load(*at, _ONE[2], "p99"), 1)
        processor = _both(numbers.ratio(*at, _ONE[1], "processor"), numbers.load(*at, _ONE[1], "processor"))
        rows.append((server.title, *rates, latency, tail, processor))
    heads = ("server", "req/s, c=1", "req/s, c=16", "req/s, c=64", "p50 ms, c=1", "p99 ms, c=64", "CPU us, c=16")
    return _table(heads, rows)


def _bulk(numbers: Numbers, model: Model) -> str:
    rows = []
    for server in _present(numbers, model):
        at = (model.key, server.key)
        rows.append(
            (server.title, *(_both(numbers.ratio(*at, name), numbers.load(*at, name, "rate")) for name in _BULK))
        )
    return _table((model.title, "JSON, req/s", "binary, req/s"), rows)


def _starts(numbers: Numbers) -> str:
    models = [model for model in MODELS if model.starts]
    rows = []
    for server in SERVERS:
        cells = []
        for model in models:
            seconds, theirs = numbers.start(model.key, server.key), numbers.start(model.key, BASELINE)
            cells += [
                _both(_divide(seconds, theirs), seconds, digits=2),
                _number(numbers.memory(model.key, server.key), 0),
            ]
        if any(cell != "-" for cell in cells):
            rows.append((server.title, *cells))
    heads = [f"{model.framework}: {what}" for model in models for what in ("start, s", "memory, MB")]
    return _table(("server", *heads), rows)


def _aims(numbers: Numbers) -> list[tuple[str, ...]]:
    """The figures that this was built to reach."""

    def row(what: str, model: str, aim: str, value: float | None, reached: Callable[[float], bool]) -> tuple[str, ...]:
        verdict = "not in this run" if value is None else f"{value:.2f}{'' if reached(value) else ', **missed**'}"
        return (what, model, aim, verdict)

    def least(what: str, model: str, aim: float, value: float | None) -> tuple[str, ...]:
        return row(what, model, f"≥ {aim:g}", value, lambda ratio: ratio >= aim)

    def most(what: str, model: str, aim: float, value: float | None) -> tuple[str, ...]:
        return row(what, model, f"≤ {aim:g}", value, lambda ratio: ratio <= aim)

    rows = []
    for key, title in (("native", "native"), ("compiled", "compiled")):
        for load in _ONE[1:]:
            concurrency = load.removeprefix("one ")
            rows.append(
                least(f"{title}: req/s, {concurrency}, to naive KServe", "iris", 8, numbers.ratio("iris", key, load))
            )
            best = _best_peer(numbers, "iris", load)
            rate = numbers.load("iris", key, load, "rate")
            rows.append(least(f"{title}: req/s, {concurrency}, to the best peer", "iris", 1, _divide(rate, best)))
        aim = {"native": 20, "compiled": 40}[key]
        rows.append(
            least(f"{title}: req/s, c=64, to naive KServe", "forest", aim, numbers.ratio("forest", key, _ONE[2]))
        )
        rows.append(
            most(f"{title}: p50, c=1, to naive KServe", "iris", 0.5, numbers.ratio("iris", key, _ONE[0], "p50"))
        )
        for load, aim in (("bulk json", 5), ("bulk binary", 2)):
            what = f"{title}: 1000 rows, {load.removeprefix('bulk ')}, to KServe's V2"
            rows.append(least(what, "linear", aim, numbers.ratio("linear", key, load)))
        for model in (model.key for model in MODELS if model.starts):
            start = _divide(numbers.start(model, key), numbers.start(model, BASELINE))
            rows.append(most(f"{title}: start, to naive KServe", model, {"native": 1, "compiled": 0.65}[key], start))
    return rows


def _best_peer(numbers: Numbers, model: str, load: str) -> float | None:
    rates = [
        numbers.load(model, server.key, load, "rate")
        for server in SERVERS
        if not server.ours and server.key != _CEILING
    ]
    return max((rate for rate in rates if rate is not None), default=None)


def _failures(data: dict[str, Any]) -> Iterable[str]:
    titles = {server.key: server.title for server in SERVERS}
    seen = {(f["server"], f["model"], f["what"]): f["reason"] for f in data["failures"]}
    for (server, model, what), reason in seen.items():
        words = " ".join(reason.replace("`", "").split())[:300]
        yield f"- {titles[server]}, {model or 'all models'}, {what}: `{words}`"
    yield ""


def _how(data: dict[str, Any]) -> str:
    pace = data["pace"]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return (
        f"`{data['command']}`, {data['date']}, {data['minutes']:.0f} minutes without the installations.\n"
        f"{data['cpu']}, {data['cores']} cores, {data['memory_gb']} GB, {data['system']};\n"
        f"load average at the end {data['busy']:.1f}.\n\n"
        "- The server, with all its processes, is pinned to one core and `wrk` to another. All servers of a model are\n"
        "  up; those that are not measured are stopped (SIGSTOP), so that they take nothing.\n"
        f"- Rounds: {pace['rounds']}. In each, for each load, every server has its turn of {pace['seconds']} s.\n"
        "  The tables hold medians of the rounds; a ratio is the median of the ratios within a round.\n"
        "- CPU is the processor time of all the server's threads per request; it holds on a busy machine, too.\n"
        "- All serve the same fitted estimator, from the file that this template's training command saved. Before\n"
        "  and after each turn an answer is held against `MyModel.predict`; a turn with a wrong answer, a status\n"
        "  other than 2xx or a socket error gives no number.\n"
        "- One row: V1 for ours and KServe, V2 for MLServer, a list of rows for the others. MLServer runs the model\n"
        "  in its own process. MLServer's and LitServe's batches gather for at most 5 ms or 64 requests;\n"
        "  BentoML's as it sees fit.\n"
        "- Each peer logs as it does by default, FastAPI and the echo nothing. FastAPI and the echo run on uvloop and\n"
        "  httptools, as KServe does.\n\n"
        f"Versions: {versions}.\n"
    )


def _present(numbers: Numbers, model: Model) -> list[Server]:
    tried = {row["server"] for kind in ("loads", "failures") for row in numbers.data[kind] if row["model"] == model.key}
    return [server for server in SERVERS if server.key in tried]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *(list(row) for row in rows)]
    marks = ["---"] + ["--:"] * (len(lines[0]) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], marks, *lines[1:]]) + "\n"


def _both(ratio: float | None, value: float | None, digits: int = 0) -> str:
    """A ratio, and in small what it is of."""
    if value is None:
        return "-"
    return (f"{ratio:.2f}x" if ratio is not None else "") + f" ({value:,.{digits}f})"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def _divide(value: float | None, by: float | None) -> float | None:
    return value / by if value is not None and by else None
