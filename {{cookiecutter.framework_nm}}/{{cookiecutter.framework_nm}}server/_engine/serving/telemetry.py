"""What is told of requests: a line in the log for each, and what an SDK's part may measure. Not here: any metric."""

from __future__ import annotations

from typing import Any, Callable, List, NamedTuple

from .logs import ACCESS


class Step(NamedTuple):
    """One step of a request, such as "decode", by perf_counter's seconds."""

    name: str
    since: float
    until: float


class Trace:
    """What is traced of one request: its steps, and its end. Where nothing is traced, a request has none."""

    def __init__(self) -> None:
        self.steps: List[Step] = []

    def ended(self, status: str) -> None:
        """The request has ended; `status` is that of its protocol."""


def _nothing(*_: object) -> None:
    """What is measured where nothing is."""


class Telemetry:
    """What is told of one model's requests. It measures nothing: where a server has metrics, its own take its place."""

    def __init__(self) -> None:
        #: One step of a request is done, and took so many seconds.
        self.preprocess: Callable[[float], object] = _nothing
        self.predict: Callable[[float], object] = _nothing
        self.explain: Callable[[float], object] = _nothing
        self.postprocess: Callable[[float], object] = _nothing

    def begun(self) -> None:
        """A request is in flight."""

    def ended(self, way: str, status: str, seconds: float, bytes_in: int, bytes_out: int) -> None:
        """A request is no longer in flight; `status` is that of its protocol."""

    def called(self, rows: int, waited: list[float]) -> None:
        """The model was called; `waited` are the seconds that each of its requests waited for it."""


def log_request(**fields: Any) -> None:
    """Write one line about a request."""
    ACCESS.info("request", extra={"fields": fields})
