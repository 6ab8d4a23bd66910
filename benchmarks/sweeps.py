"""The tables of what only some servers are asked: forms of a request, rows, columns, connections, models."""

from __future__ import annotations

from .figures import Numbers, both, table
from .load import CONNECTIONS, ROWS
from .projects import COLUMNS, COPIES
from .servers import SERVERS

_SIXTEEN = "one c=16"


def sweeps(numbers: Numbers) -> str:
    """Tables of what only some servers were asked."""
    forms = [
        ("V1 JSON", "iris", _SIXTEEN),
        ("V2 JSON", "iris", "one v2"),
        ("V2 JSON, by columns", "iris", "one columns"),
        ("V2 binary", "iris", "one binary"),
        ("gRPC", "iris", "one grpc"),
    ]
    kinds = (("JSON", "json"), ("binary", "binary"))
    rows = [(f"{count:,}, {title}", "linear", f"{kind} rows={count}") for title, kind in kinds for count in ROWS]
    columns = [("4", "iris", _SIXTEEN), ("30", "linear", _SIXTEEN)]
    columns += [(f"{count:,}", f"columns-{count}", _SIXTEEN) for count in COLUMNS[2:]]
    copies = [("1", "iris", _SIXTEEN), *((f"{count}", f"copies-{count}", _SIXTEEN) for count in COPIES[1:])]
    connections = [(f"{count:,}", "iris", f"one c={count}") for count in CONNECTIONS]
    parts = [
        "Below, each figure is a ratio to the naive KServe model's, then requests per second, and microseconds of the\n"
        "server's CPU per request.\n",
        "## Forms of a request\n",
        "One row of iris, 16 connections. A naive model takes no inputs by columns: those are compared with its V2.\n",
        _points(numbers, "form", forms),
        "## Rows\n",
        "In one request of V2 to a logistic regression over 30 columns, one connection.\n",
        _points(numbers, "rows", rows),
        "## Columns\n",
        "One row of V1 to a logistic regression, 16 connections.\n",
        _points(numbers, "columns", columns),
        "## Connections\n",
        "One row of V1 to iris.\n",
        _points(numbers, "connections", connections),
        "## Models\n",
        "So many models of iris in one server, asked in turn over 16 connections; behind it the server's memory.\n",
        _points(numbers, "models", copies, memory=True),
    ]
    return "\n".join(parts)


def _points(numbers: Numbers, head: str, points: list[tuple[str, str, str]], memory: bool = False) -> str:
    """A table of points, each a title, a model and a load, by servers."""
    servers = [server for server in SERVERS if server.swept]
    rows = []
    for title, model, load in points:
        cells = []
        for server in servers:
            cell = _point(numbers, model, server.key, load)
            megabytes = numbers.memory(model, server.key) if memory else None
            cells.append(cell if megabytes is None else f"{cell}, {megabytes:,.0f} MB")
        rows.append((title, *cells))
    return table((head, *(server.title for server in servers)), rows)


def _point(numbers: Numbers, model: str, server: str, load: str) -> str:
    rate, processor = (numbers.load(model, server, load, what) for what in ("rate", "processor"))
    if rate is None:
        return "-"
    ratio = numbers.ratio(model, server, load, beside="one v2" if load == "one columns" else load)
    digits = 1 if rate < 10 else 0
    return f"{both(ratio, rate, digits)}, {processor:,.0f} us"
