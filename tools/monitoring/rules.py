"""The alerts: which there are, and when they ring. Not here: what they ask (queries.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import queries

#: Where each alert says what to do, in the template.
RUNBOOK = "docs/operating.md"
#: How fast a budget burns, by the long and the short window that both show it, and how bad that is: 2 % of a month's
#: budget in an hour, 5 % in six, 10 % in three days (Google, The Site Reliability Workbook, 2018, chapter 5).
BURNS = ((14.4, "1h", "5m", "critical"), (6, "6h", "30m", "critical"), (1, "3d", "6h", "warning"))


class Alert(NamedTuple):
    """An alert: its name, what it asks, how long that has to be so, how bad it is, and what it says."""

    name: str
    expr: str
    wait: str
    severity: str
    summary: str
    description: str
    #: Over what time, where there are several alerts of one name.
    window: str = ""


def alerts(slos: dict[str, Any]) -> list[Alert]:
    """All alerts of one model."""
    available, quick, drift = slos["availability"], slos["latency"], slos["drift"]
    model = queries.MODEL
    return [
        *_burning("ModelErrors", queries.errors, available, f"{model} fails too many requests"),
        *_burning(
            "ModelSlow",
            lambda window: queries.slow(window, quick["seconds"]),
            quick,
            f"too many requests to {model} take longer than {quick['seconds']:g} s",
        ),
        Alert(
            "ModelQueue",
            f"{queries.quantile('inference_queue_seconds', 0.9)} > {slos['queue_seconds']}",
            "10m",
            "warning",
            f"requests to {model} wait for the model",
            "A tenth of the requests wait {{ $value | humanizeDuration }} or longer before the model is free.",
        ),
        Alert(
            "ModelRestarts",
            f"{queries.restarts()} > {slos['restarts_an_hour']}",
            "0m",
            "warning",
            f"a replica of {model} keeps restarting",
            "The server in {{ $labels.pod }} began {{ $value }} times anew in an hour.",
        ),
        Alert(
            "ModelNoTraffic",
            f"{queries.requests('15m')} == 0 and {queries.requests('1d')} > 0",
            "15m",
            "warning",
            f"nobody asks {model} any more",
            "There was no request for a quarter of an hour, and there were some in the last day.",
        ),
        Alert(
            "ModelAbsent",
            f"absent(up{{{queries.OF_PODS}}} == 1)",
            "5m",
            "critical",
            f"Prometheus reaches no replica of {model}",
            "Either none runs, or none can be scraped.",
        ),
        Alert(
            "ModelDrift",
            f"{queries.drift(drift['rows'])} > {drift['psi']}",
            "1h",
            "warning",
            f"requests to {model} are not like the rows of training",
            "Column {{ $labels.column }} has a population stability index of {{ $value | humanize }}.",
        ),
        Alert(
            "ModelPredictionDrift",
            f"{queries.drift(drift['rows'], 'inference_drift_prediction_psi', 'model_name')} > {drift['psi']}",
            "1h",
            "warning",
            f"{model} predicts otherwise than in its evaluation",
            "The predictions have a population stability index of {{ $value | humanize }}.",
        ),
    ]


def groups(slos: dict[str, Any]) -> dict[str, Any]:
    """The alerts as Prometheus reads them."""
    return {"groups": [{"name": "model", "rules": [_rule(alert) for alert in alerts(slos)]}]}


def _burning(name: str, share: Callable[[str], str], slo: dict[str, Any], summary: str) -> list[Alert]:
    """An alert for each speed at which a budget burns, while the short window shows that it goes on."""
    budget = 1 - slo["objective"]
    return [
        Alert(
            name,
            f"({share(long)}) > {burn * budget:.6g} and ({share(short)}) > {burn * budget:.6g}",
            "2m",
            severity,
            summary,
            f"{{{{ $value | humanizePercentage }}}} of the requests of the last {long}: at this rate the budget of "
            f"{slo['days']} days lasts {slo['days'] / burn:.3g} days.",
            long,
        )
        for burn, long, short, severity in BURNS
    ]


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.wait,
        "labels": {
            "severity": alert.severity,
            "inferenceservice": queries.MODEL,
            **({"window": alert.window} if alert.window else {}),
        },
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook": f"{RUNBOOK}#{alert.name.lower()}",
        },
    }
