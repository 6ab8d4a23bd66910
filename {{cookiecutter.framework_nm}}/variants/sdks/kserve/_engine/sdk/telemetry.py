"""What the server counts and measures, beside KServe's own histograms; /metrics shows both.

A labelled metric is looked up once per model and kept: looking it up costs more than counting does.
"""

from __future__ import annotations

import functools

from kserve.metrics import EXPLAIN_HIST_TIME, POST_HIST_TIME, PRE_HIST_TIME, PREDICT_HIST_TIME
from prometheus_client import Counter, Gauge, Histogram

from ..serving import telemetry

REQUESTS = Counter(
    "inference_requests", "Requests answered, by protocol and status", ["model_name", "protocol", "status"]
)
IN_FLIGHT = Gauge("inference_requests_in_flight", "Requests being answered", ["model_name"])
BATCH_ROWS = Histogram(
    "inference_batch_rows", "Rows in one call of the model", ["model_name"], buckets=[2**power for power in range(13)]
)
QUEUE_SECONDS = Histogram(
    "inference_queue_seconds",
    "Time that a request waited for the model",
    ["model_name"],
    buckets=[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
)

#: One look-up per model, protocol and status.
_answered = functools.cache(REQUESTS.labels)


class Telemetry(telemetry.Telemetry):
    """The metrics of one model."""

    def __init__(self, model_name: str) -> None:
        super().__init__()
        self.model_name = model_name
        self.preprocess = PRE_HIST_TIME.labels(model_name).observe
        self.predict = PREDICT_HIST_TIME.labels(model_name).observe
        self.explain = EXPLAIN_HIST_TIME.labels(model_name).observe
        self.postprocess = POST_HIST_TIME.labels(model_name).observe
        in_flight = IN_FLIGHT.labels(model_name)
        self.begun, self._ended = in_flight.inc, in_flight.dec
        self._rows = BATCH_ROWS.labels(model_name).observe
        self._queued = QUEUE_SECONDS.labels(model_name).observe

    def ended(self, way: str, status: str) -> None:
        self._ended()
        _answered(self.model_name, way, status).inc()

    def called(self, rows: int, waited: list[float]) -> None:
        self._rows(rows)
        for seconds in waited:
            self._queued(seconds)
