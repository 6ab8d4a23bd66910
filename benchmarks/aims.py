"""The figures that this was built to reach, as ratios to the naive KServe model, and what was measured of each."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Numbers, divide
from .servers import BASELINE, SERVERS

_CEILING = "echo"
#: At least so many times the naive model's requests per second: server, model, load, ratio.
_RATES = (
    ("compiled", "iris", "one c=16", 25),
    ("compiled", "iris", "one c=64", 28),
    ("compiled", "forest", "one c=64", 200),
    ("compiled", "linear", "bulk json", 5),
    ("compiled", "linear", "bulk v1", 3),
    ("compiled", "linear", "bulk binary", 40),
    ("compiled", "iris", "one grpc", 3),
    ("native", "iris", "one c=16", 12),
    ("native", "forest", "one c=64", 45),
)
_LATENCY, _START, _MEMORY = 0.15, 0.38, 0.65

Row = tuple[str, str, str, str]


def aims(numbers: Numbers) -> list[Row]:
    """Each aim, its model, the figure, and what was measured."""
    return [*_rates(numbers), *_others(numbers), *_peers(numbers)]


def _rates(numbers: Numbers) -> Iterator[Row]:
    for server, model, load, aim in _RATES:
        found = _at_least(aim, numbers.ratio(model, server, load))
        yield f"{server}: req/s, {load}", model, f"≥ {aim}", found or numbers.why_not(model, server, load)


def _others(numbers: Numbers) -> Iterator[Row]:
    at, naive = ("iris", "compiled"), ("iris", BASELINE)
    found = (
        ("p50, one c=1", _LATENCY, numbers.ratio(*at, "one c=1", "p50")),
        ("start", _START, divide(numbers.start(*at), numbers.start(*naive))),
        ("memory", _MEMORY, divide(numbers.memory(*at), numbers.memory(*naive))),
    )
    for what, aim, ratio in found:
        verdict = "" if ratio is None else _verdict(ratio, ratio <= aim)
        yield f"compiled: {what}", "iris", f"≤ {aim}", verdict or numbers.why_not(*at, what)


def _peers(numbers: Numbers) -> Iterator[Row]:
    """Requests of one row, and of 1000, as a ratio to the best peer's."""
    for model, load in (("iris", "one c=16"), ("iris", "one c=64"), ("forest", "one c=64"), ("linear", "bulk json")):
        for server in ("native", "compiled"):
            ratio = divide(numbers.load(model, server, load, "rate"), _best_peer(numbers, model, load))
            what = f"{server}: req/s, {load}, to the best peer"
            yield what, model, "≥ 1", _at_least(1, ratio) or numbers.why_not(model, server, load)


def _at_least(aim: float, ratio: float | None) -> str:
    """A figure beside its aim, or "" where there is none."""
    return "" if ratio is None else _verdict(ratio, ratio >= aim)


def _verdict(ratio: float, reached: bool) -> str:
    return f"{ratio:.3g}{'' if reached else ', **missed**'}"


def _best_peer(numbers: Numbers, model: str, load: str) -> float | None:
    rates = [
        numbers.load(model, server.key, load, "rate")
        for server in SERVERS
        if not server.ours and server.key != _CEILING
    ]
    return max((rate for rate in rates if rate is not None), default=None)
