"""The page: tables of ratios, from the results of a run."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .aims import aims
from .figures import Numbers, both, divide, number, percent, table
from .paths import CHART
from .projects import MODELS, Model
from .servers import BASELINE, SERVERS, Server
from .sweeps import sweeps

_ONE = ("one c=1", "one c=16", "one c=64")
_BULK = ("bulk v1", "bulk json", "bulk binary")


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


def page(data: dict[str, Any]) -> str:
    """The whole of docs/performance.md."""
    numbers = Numbers(data)
    some = (
        f"**From a {data['form']} run: few rounds, not all peers. Trust the order of the servers, not the digits.**\n\n"
        if data["form"] != "full"
        else ""
    )
    parts = [
        "# Performance\n",
        f"![One row: requests per second, as a ratio to a naive KServe model]({CHART.name})\n",
        _in_short(numbers),
        f"{some}All servers took the same load in turns within one run, with one core each. `2.00x` is the ratio\n"
        "to a naive KServe model (`np.array` on the request, `.tolist()` on the answer, KServe's defaults).\n"
        'Ratios are similar on other machines; requests per second, in brackets, are not. "Compiled model" is\n'
        'this template with its defaults, "native" with `RUNTIME=native`.\n',
        "## Aims\n",
        table(("aim", "model", "at least or at most", "measured"), aims(numbers)),
        ratios(data),
        *([sweeps(numbers)] if data["pace"]["sweeps"] else []),
        "## How it was measured\n",
        _how(data),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _in_short(numbers: Numbers) -> str:
    """Three sentences."""

    def times(model: str, load: str) -> str:
        ratio = numbers.ratio(model, "compiled", load) or numbers.ratio(model, "native", load)  # as a medium run has it
        return "?" if ratio is None else f"{ratio:.0f}"

    start = divide(numbers.start("iris", "compiled"), numbers.start("iris", BASELINE))
    memory = divide(numbers.memory("iris", "compiled"), numbers.memory("iris", BASELINE))
    return (
        f"With 64 connections, a light model answers {times('iris', _ONE[2])} times as many requests of one row as a\n"
        f"naive KServe model does, and a forest of 100 trees {times('forest', _ONE[2])} times as many.\n"
        f"Of requests with 1000 rows, it answers {times('linear', 'bulk json')} times as many in JSON, and "
        f"{times('linear', 'bulk binary')} times in binary.\n"
        f"The server starts in {percent(start)} of the time, and takes {percent(memory)} of the memory.\n"
    )


def ratios(data: dict[str, Any]) -> str:
    """All tables of ratios, and what did not work; nothing is judged."""
    numbers = Numbers(data)
    parts = []
    for model in MODELS:
        if _ONE[0] in model.loads and _present(numbers, model):
            parts += [f"## One row: {model.title}\n", _one_row(numbers, model)]
    parts += [
        "## 1000 rows\n",
        "Requests per second over four connections. This template, KServe and MLServer get V2; this template\n"
        "and KServe also get V1 and V2's binary form. The others get a JSON list of rows, and are compared with\n"
        "KServe's V2 in JSON.\n",
        *(_bulk(numbers, model) for model in MODELS if "bulk json" in model.loads and _present(numbers, model)),
        "## Start and memory\n",
        "Start is the time from the start of the process to its first right answer, with files already in the\n"
        "disk cache. Memory is the resident memory of all the server's processes after the loads.\n",
        _starts(numbers),
    ]
    if data["failures"]:
        parts += ["## What did not work\n", *_failures(data)]
    return "\n".join(parts)


def _one_row(numbers: Numbers, model: Model) -> str:
    rows = []
    for server in _present(numbers, model):
        at = (model.key, server.key)
        rates = [both(numbers.ratio(*at, load), numbers.load(*at, load, "rate")) for load in _ONE]
        latency = both(numbers.ratio(*at, _ONE[0], "p50"), numbers.load(*at, _ONE[0], "p50"), digits=2)
        tail = number(numbers.load(*at, _ONE[2], "p99"), 1)
        processor = both(numbers.ratio(*at, _ONE[1], "processor"), numbers.load(*at, _ONE[1], "processor"))
        rows.append((server.title, *rates, latency, tail, processor))
    heads = ("server", "req/s, c=1", "req/s, c=16", "req/s, c=64", "p50 ms, c=1", "p99 ms, c=64", "CPU us, c=16")
    return table(heads, rows)


def _bulk(numbers: Numbers, model: Model) -> str:
    rows = []
    for server in _present(numbers, model):
        at = (model.key, server.key)
        rows.append(
            (server.title, *(both(numbers.ratio(*at, name), numbers.load(*at, name, "rate")) for name in _BULK))
        )
    return table((model.title, "V1 JSON, req/s", "V2 JSON, req/s", "binary, req/s"), rows)


def _starts(numbers: Numbers) -> str:
    models = [model for model in MODELS if model.starts]
    rows = []
    for server in SERVERS:
        cells = []
        for model in models:
            seconds, theirs = numbers.start(model.key, server.key), numbers.start(model.key, BASELINE)
            cells += [
                both(divide(seconds, theirs), seconds, digits=2),
                number(numbers.memory(model.key, server.key), 0),
            ]
        if any(cell != "-" for cell in cells):
            rows.append((server.title, *cells))
    heads = [f"{model.framework}: {what}" for model in models for what in ("start, s", "memory, MB")]
    return table(("server", *heads), rows)


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
        "  running, but all except the one being measured are stopped (SIGSTOP), so that they take no CPU.\n"
        f"- There were {pace['rounds']} rounds, and {pace['sweeps']} for loads that only some servers get. In\n"
        f"  each round, every server gets each load for {pace['seconds']} s, longer for 100,000 rows. The tables\n"
        "  show medians of the rounds; a ratio is the median of the ratios within a round.\n"
        "- CPU is the processor time of all the server's threads per request. It is valid on a busy machine, too.\n"
        "- All servers load the same fitted estimator, from the file that this template's training command\n"
        "  saved. Before and after each turn, an answer is compared with that of `MyModel.predict`. A turn with\n"
        "  a wrong answer, a status other than 2xx or a socket error gives no number. Before its first turn with\n"
        "  many rows, a server is asked once and left until it is idle: with a compiled model, ours may load the\n"
        "  framework then.\n"
        "- Requests of one row use V1 for this template and KServe, V2 for MLServer, and a list of rows for the\n"
        "  others. MLServer runs the model in its own process. MLServer and LitServe collect a batch for at\n"
        "  most 5 ms or up to 64 requests; BentoML decides for itself.\n"
        "- Each peer logs as it does by default; FastAPI and the echo log nothing. FastAPI and the echo run on\n"
        "  uvloop and httptools, as KServe does.\n\n"
        f"Versions: {versions}.\n"
    )


def _present(numbers: Numbers, model: Model) -> list[Server]:
    tried = {row["server"] for kind in ("loads", "failures") for row in numbers.data[kind] if row["model"] == model.key}
    return [server for server in SERVERS if server.key in tried]
