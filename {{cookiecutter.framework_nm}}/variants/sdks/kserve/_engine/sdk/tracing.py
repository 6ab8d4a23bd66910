"""Spans of OpenTelemetry for requests: one for each, and one for each of its steps, named by its conventions.

OpenTelemetry's own variables (OTEL_*) say whether, and where to. The SDK that exports them is the extra otel.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import time
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ..serving.telemetry import Trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

logger = logging.getLogger(__name__)

_ASK_FOR_IT = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OTLP = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
#: What the conventions for servers take for an error over gRPC.
_ERRORS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


def start() -> Callable[[str, str, str, Mapping[str, str]], Trace] | None:
    """What traces a request (serving/calls.py), or None where the variables do not ask for it."""
    if os.environ.get("OTEL_TRACES_EXPORTER") == "none" or not any(map(os.environ.get, _ASK_FOR_IT)):
        return None
    package = __package__.split(".")[0]
    if importlib.util.find_spec("opentelemetry.sdk") is None:
        logger.warning("OTEL_* asks for traces, and there are none: they need pip install '%s[otel]'", package)
        return None
    from opentelemetry import trace

    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):  # else the owner has set one up
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        for exporter in _exporters():
            provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
    return functools.partial(_Spans, trace.get_tracer(package))


def _exporters() -> list[SpanExporter]:
    """Those that OTEL_TRACES_EXPORTER names, as far as they are installed."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp = _OTLP.get(protocol or "http/protobuf", "otlp")
    found = []
    for name in (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
        points = entry_points(
            group="opentelemetry_traces_exporter", name=otlp if name.strip() == "otlp" else name.strip()
        )
        if not points:
            logger.warning("No package that is installed exports traces as OTEL_* says: %s", name)
        found += [point.load()() for point in points]
    return found


class _Spans(Trace):
    """The spans of one request's steps, under the request's own.

    Over REST that is FastAPI's, which knows no route here; over gRPC it is made here, unless something else did.
    """

    def __init__(self, tracer: Tracer, model: str, way: str, target: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        from opentelemetry import propagate, trace

        self._tracer = tracer
        self._request = trace.get_current_span()
        self._made = way == "grpc" and not self._request.get_span_context().is_valid
        if self._made:
            caller = propagate.extract(headers)
            attributes = {"rpc.system.name": "grpc", "rpc.method": target}
            self._request = tracer.start_span(target, caller, trace.SpanKind.SERVER, attributes)
        elif way != "grpc":
            route = target.replace(f"/models/{model}", "/models/{model_name}", 1)
            self._request.update_name(f"POST {route}")
            self._request.set_attribute("http.route", route)
        self._request.set_attributes({"inference.model.name": model, "inference.protocol": way})

    def ended(self, status: str) -> None:
        from opentelemetry import trace

        if self._request.get_span_context().is_valid:  # else this path is not to be traced
            offset = time.time_ns() - int(time.perf_counter() * 1e9)
            below = trace.set_span_in_context(self._request)
            for step in self.steps:
                begun = self._tracer.start_span(step.name, below, start_time=offset + int(step.since * 1e9))
                begun.end(offset + int(step.until * 1e9))
        if self._made:
            self._request.set_attribute("rpc.response.status_code", status)
            if status in _ERRORS:
                self._request.set_attribute("error.type", status)
                self._request.set_status(trace.StatusCode.ERROR)
            self._request.end()
