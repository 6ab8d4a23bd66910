"""What is asked of Prometheus, for alerts and dashboard alike, by the metrics that a server of KServe has.

Not here: what is done with the answers (rules.py, dashboard.py).
"""

from __future__ import annotations

#: What stands for a project's answers, until the files are written.
NAMESPACE, MODEL = "@namespace@", "@model@"
#: The model's own series, and those of its processes, by what the PodMonitor writes onto all of them.
OF_MODEL = f'namespace="{NAMESPACE}", model_name="{MODEL}"'
OF_PODS = f'namespace="{NAMESPACE}", inferenceservice="{MODEL}"'
#: Statuses that are the server's fault, of HTTP and of gRPC. A client that leaves, or asks wrongly, is no error.
FAULTS = "5..|INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"


def requests(window: str, more: str = "") -> str:
    """Requests per second."""
    return f"sum(rate(inference_requests_total{{{OF_MODEL}{more}}}[{window}]))"


def errors(window: str) -> str:
    """The share of requests that the server did not answer. Without errors it is 0, without requests there is none."""
    faults = requests(window, f', status=~"{FAULTS}"')
    return f"({faults} or vector(0)) / {requests(window)}"


def slow(window: str, seconds: float) -> str:
    """The share of requests that took longer."""
    name = "inference_request_duration_seconds"
    quick = f'sum(rate({name}_bucket{{{OF_MODEL}, le="{seconds}"}}[{window}]))'
    return f"1 - {quick} / sum(rate({name}_count{{{OF_MODEL}}}[{window}]))"


def quantile(name: str, share: float, window: str = "5m") -> str:
    """What a share of a histogram's observations is below."""
    return f"histogram_quantile({share}, sum by (le) (rate({name}_bucket{{{OF_MODEL}}}[{window}])))"


def restarts() -> str:
    """How often the process of a pod began anew in the last hour."""
    return f"changes(process_start_time_seconds{{{OF_PODS}}}[1h])"


def drift(rows: int, name: str = "inference_drift_psi", by: str = "column") -> str:
    """The index of each column, as the replica has it that has moved most, of those that have counted enough rows."""
    enough = f"inference_drift_rows{{{OF_MODEL}}} >= {rows}"
    return f"max by ({by}) ({name}{{{OF_MODEL}}} and on (namespace, pod, model_name) ({enough}))"
