"""The dashboard, as Grafana reads it. Not here: what it asks (queries.py)."""

from __future__ import annotations

from typing import Any, NamedTuple

import queries


class Panel(NamedTuple):
    """A drawing: its title, its unit, and what it asks, each with the name of its lines; `limit` is drawn in red."""

    title: str
    unit: str
    asked: dict[str, str]
    limit: float | None = None


def panels(slos: dict[str, Any]) -> list[Panel]:
    """What is drawn, the most important first."""
    of_model, of_pods, drift = queries.OF_MODEL, queries.OF_PODS, slos["drift"]
    seconds = "inference_request_duration_seconds"
    rate = f"rate(inference_requests_total{{{of_model}}}[5m])"
    return [
        Panel(
            "Requests by protocol and status",
            "reqps",
            {"{{protocol}} {{status}}": f"sum by (protocol, status) ({rate})"},
        ),
        Panel(
            "Errors: share of requests",
            "percentunit",
            {"errors": queries.errors("5m")},
            1 - slos["availability"]["objective"],
        ),
        Panel(
            "Latency",
            "s",
            {f"{share:.0%}": queries.quantile(seconds, share) for share in (0.5, 0.9, 0.99)},
            slos["latency"]["seconds"],
        ),
        Panel(
            "Slow requests: share",
            "percentunit",
            {"slow": queries.slow("5m", slos["latency"]["seconds"])},
            1 - slos["latency"]["objective"],
        ),
        Panel(
            "Waiting for the model",
            "s",
            {f"{share:.0%}": queries.quantile("inference_queue_seconds", share) for share in (0.5, 0.9)},
            slos["queue_seconds"],
        ),
        Panel("Rows in a call of the model", "short", {"median": queries.quantile("inference_batch_rows", 0.5)}),
        Panel("Requests in flight", "short", {"{{pod}}": f"inference_requests_in_flight{{{of_model}}}"}),
        Panel("CPU", "short", {"{{pod}}": f"rate(process_cpu_seconds_total{{{of_pods}}}[5m])"}),
        Panel("Memory", "bytes", {"{{pod}}": f"process_resident_memory_bytes{{{of_pods}}}"}),
        Panel(
            "Version",
            "short",
            {"{{version}}, {{runtime}}": f"count by (version, runtime) (inference_model_info{{{of_model}}})"},
        ),
        Panel(
            "Drift of columns",
            "short",
            {"{{column}}": f"max by (column) (inference_drift_psi{{{of_model}}})"},
            drift["psi"],
        ),
        Panel(
            "Drift of predictions",
            "short",
            {"predictions": f"max(inference_drift_prediction_psi{{{of_model}}})"},
            drift["psi"],
        ),
        Panel(
            "Missing values, beyond training's share",
            "percentunit",
            {
                "{{column}}": f"max by (column) (inference_drift_missing_ratio{{{of_model}}} - "
                f"inference_drift_training_missing_ratio{{{of_model}}})"
            },
        ),
        Panel("Rows that drift is measured by", "short", {"{{pod}}": f"inference_drift_rows{{{of_model}}}"}),
    ]


def dashboard(slos: dict[str, Any]) -> dict[str, Any]:
    """The dashboard of one model; Grafana asks which Prometheus it is to ask."""
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "title": f"{queries.NAMESPACE}/{queries.MODEL}",
        "uid": None,
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(at, panel, source) for at, panel in enumerate(panels(slos))],
    }


def _panel(at: int, panel: Panel, source: dict[str, str]) -> dict[str, Any]:
    limit = [] if panel.limit is None else [{"color": "red", "value": round(panel.limit, 6)}]
    return {
        "id": at + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": source,
        "gridPos": {"x": at % 2 * 12, "y": at // 2 * 8, "w": 12, "h": 8},
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": {"thresholdsStyle": {"mode": "line" if limit else "off"}},
                "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}, *limit]},
            },
            "overrides": [],
        },
        "targets": [
            {"refId": chr(65 + number), "datasource": source, "expr": expr, "legendFormat": legend}
            for number, (legend, expr) in enumerate(panel.asked.items())
        ],
    }
