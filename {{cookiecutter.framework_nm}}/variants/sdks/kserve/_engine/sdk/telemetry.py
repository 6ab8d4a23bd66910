"""What the server counts and measures, beside KServe's own histograms; /metrics shows both.

What each request adds to is a plain number here, and made into metrics when they are asked for: Prometheus' own client
takes several times as long, for locks that one event loop does not need. Histograms of KServe's: summed.py.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from kserve.metrics import EXPLAIN_HIST_TIME, POST_HIST_TIME, PRE_HIST_TIME, PREDICT_HIST_TIME
from prometheus_client import REGISTRY, Histogram, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ..serving import telemetry
from ..serving.watch import Watch, gauges
from .summed import Summed

_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0]
#: Observations that are kept of each kind at most, as long as nobody asks for them.
_MOST = 4096

BATCH_ROWS = Histogram(
    "inference_batch_rows", "Rows in one call of the model", ["model_name"], buckets=[2**power for power in range(13)]
)
QUEUE_SECONDS = Histogram(
    "inference_queue_seconds", "Time that a request waited for the model", ["model_name"], buckets=_SECONDS
)
PREPROCESS, PREDICT, POSTPROCESS = map(Summed, (PRE_HIST_TIME, PREDICT_HIST_TIME, POST_HIST_TIME))
ROWS, QUEUED = map(Summed, (BATCH_ROWS, QUEUE_SECONDS))
MODEL = Info("inference_model", "The version of a model that is loaded, and what runs it", ["model_name"])


class _Way:
    """The requests of one model by one protocol."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.bytes_in = self.bytes_out = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(_SECONDS) + 1)

    def add(self, status: str, seconds: float, bytes_in: int, bytes_out: int) -> None:
        self.statuses[status] += 1
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.seconds += seconds
        self.buckets[bisect_left(_SECONDS, seconds)] += 1


class _Requests(Collector):
    """The requests of all models. A model that is loaded again goes on counting where the one before was."""

    def __init__(self) -> None:
        self.in_flight: Counter[str] = Counter()
        self.ways: dict[tuple[str, str], _Way] = {}

    def of(self, model_name: str, way: str) -> _Way:
        return self.ways.setdefault((model_name, way), _Way())

    def collect(self) -> Iterator[Metric]:
        """Prometheus' client asks for this at each scrape."""
        labels = ["model_name", "protocol"]
        requests = CounterMetricFamily(
            "inference_requests", "Requests answered, by protocol and status", labels=[*labels, "status"]
        )
        bytes_in = CounterMetricFamily("inference_request_bytes", "Bytes of the bodies of requests", labels=labels)
        bytes_out = CounterMetricFamily("inference_response_bytes", "Bytes of the bodies of answers", labels=labels)
        duration = HistogramMetricFamily(
            "inference_request_duration_seconds",
            "Time from the head of a request to the end of its answer",
            labels=labels,
        )
        in_flight = GaugeMetricFamily("inference_requests_in_flight", "Requests being answered", labels=["model_name"])
        for key, way in self.ways.items():
            for status, count in way.statuses.items():
                requests.add_metric([*key, status], count)
            bytes_in.add_metric(key, way.bytes_in)
            bytes_out.add_metric(key, way.bytes_out)
            ends = [*map(str, _SECONDS), "+Inf"]
            duration.add_metric(key, [*zip(ends, itertools.accumulate(way.buckets))], way.seconds)
        for name, count in self.in_flight.items():
            in_flight.add_metric([name], count)
        yield from (requests, bytes_in, bytes_out, duration, in_flight)


class _Drift(Collector):
    """What the watched models are asked and answer, beside training; of a model that is not watched, that."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch | None] = {}

    def describe(self) -> Iterator[Metric]:
        return iter(())  # a registry asks for nothing then

    def collect(self) -> Iterator[Metric]:
        """Prometheus' client asks for this at each scrape."""
        families: dict[str, GaugeMetricFamily] = {}
        for model_name, watch in [*self.watches.items()]:
            for gauge in gauges(watch):
                if not gauge.values:
                    continue
                labels = ["model_name"] if "" in gauge.values else ["model_name", "column"]
                family = families.setdefault(gauge.name, GaugeMetricFamily(gauge.name, gauge.help, labels=labels))
                for column, value in gauge.values.items():
                    family.add_metric([model_name, column][: len(labels)], value)
        yield from families.values()


_REQUESTS = _Requests()
REGISTRY.register(_REQUESTS)
_DRIFT = _Drift()
REGISTRY.register(_DRIFT)


class Telemetry(telemetry.Telemetry):
    """The metrics of one model."""

    def __init__(self, model_name: str) -> None:
        super().__init__()
        self.preprocess = PREPROCESS.of(model_name).append
        self.predict = PREDICT.of(model_name).append
        self.explain = EXPLAIN_HIST_TIME.labels(model_name).observe
        self.postprocess = POSTPROCESS.of(model_name).append
        self._name = model_name
        self._in_flight = _REQUESTS.in_flight
        self._in_flight[model_name] += 0  # shown before the first request
        self._way = functools.cache(functools.partial(_REQUESTS.of, model_name))
        self._rows = ROWS.of(model_name)
        self._queued = QUEUED.of(model_name)

    def begun(self) -> None:
        self._in_flight[self._name] += 1

    def ended(self, way: str, status: str, seconds: float, bytes_in: int, bytes_out: int) -> None:
        self._in_flight[self._name] -= 1
        self._way(way).add(status, seconds, bytes_in, bytes_out)

    def called(self, rows: int, waited: list[float]) -> None:
        self._rows.append(rows)
        self._queued += waited
        if len(self._queued) > _MOST:  # one for each request: of what else is kept, there is about as much
            for histogram in (PREPROCESS, PREDICT, POSTPROCESS, ROWS, QUEUED):
                histogram.sum_up()


def show_model(name: str, version: str, runtime: str, watch: Watch | None) -> None:
    """Show what is loaded under a name, and what watches it; what was before is no longer shown."""
    _DRIFT.watches[name] = watch
    MODEL.labels(name).info({"version": version, "runtime": runtime})


def hide_model(name: str) -> None:
    """Show nothing of a model that is no longer loaded."""
    _DRIFT.watches.pop(name, None)
    with contextlib.suppress(KeyError):  # it was not
        MODEL.remove(name)
