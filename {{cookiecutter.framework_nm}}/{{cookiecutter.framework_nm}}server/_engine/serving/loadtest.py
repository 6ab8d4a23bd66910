"""How fast a running server answers, and what load does to it: `make loadtest`, or `--help` here.

For each number of connections, every connection asks again as soon as it is answered. The numbers are of this
machine, which the load itself takes its share of: compare them with each other, not with other machines'.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)


class Result(NamedTuple):
    """What one number of connections came to; latencies in milliseconds."""

    connections: int
    per_second: float
    p50: float
    p99: float
    errors: int


async def ask(url: str, body: bytes, until: float, latencies: list[float]) -> int:
    """Ask over one connection until a time; returns how many answers were not 200."""
    target = urlsplit(url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port or 80)
    head = f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    errors = 0
    try:
        while (start := time.perf_counter()) < until:
            writer.write(request)
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            length = next(int(header[15:]) for header in headers if header.startswith(b"content-length:"))
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - start)
            errors += b" 200 " not in status + b" "
    finally:
        writer.close()
    return errors


async def measure(url: str, body: bytes, connections: int, seconds: float) -> Result:
    """Load a server for some seconds."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    errors = await asyncio.gather(*(ask(url, body, until, latencies) for _ in range(connections)))
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    return Result(connections, len(latencies) / seconds, float(p50), float(p99), sum(errors))


def draw(results: list[Result], file: Path) -> None:
    """Draw latency against load."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name, values in (("p99", [r.p99 for r in results]), ("p50", [r.p50 for r in results])):
        axes.plot([r.per_second for r in results], values, "o-", label=name)
    for result in results:
        axes.annotate(str(result.connections), (result.per_second, result.p99), (0, 7), textcoords="offset points")
    axes.set(xlabel="answers per second", ylabel="latency, ms", yscale="log", title="Latency against load")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(title="number at a point:\nconnections")
    figure.savefig(file, dpi=120)


def main() -> None:
    """Measure, print a table, draw."""
    parser = argparse.ArgumentParser(description=__doc__, prog=f"python -m {__package__}.loadtest")
    parser.add_argument("url", help="URL to ask, such as http://localhost:8080/v2/models/m/infer")
    parser.add_argument("input", type=Path, help="JSON file with the request to send")
    parser.add_argument("--seconds", type=float, default=3, help="seconds for each number of connections")
    parser.add_argument("--output", type=Path, default=Path("loadtest.png"), help="file for the chart")
    arguments = parser.parse_args()
    results = []
    print("connections   answers/s   p50 ms   p99 ms   errors")
    for connections in CONNECTIONS:
        try:
            result = asyncio.run(measure(arguments.url, arguments.input.read_bytes(), connections, arguments.seconds))
        except OSError as error:
            parser.exit(1, f"{arguments.url} does not answer: {error}. Is the server running? (make serve)\n")
        results.append(result)
        print(f"{connections:11}{result.per_second:12.0f}{result.p50:9.2f}{result.p99:9.2f}{result.errors:9}")
    draw(results, arguments.output)
    print(f"Drawn: {arguments.output}")


if __name__ == "__main__":
    main()
