"""Drift at /metrics, in the text that Prometheus reads: KFServing has no metrics of its own.

Not here: what is counted, which is in serving/watch.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..serving.watch import gauges
from .errors import JsonErrors
from .model import ServingModel


class Metrics(JsonErrors):
    """Answers a scrape of Prometheus."""

    def initialize(self, models: Any) -> None:
        self.models = models

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.write("".join(_lines(self.models.get_models())))


def _lines(models: Iterable[ServingModel]) -> Iterator[str]:
    """The metrics of all models, one after the other: https://prometheus.io/docs/instrumenting/exposition_formats"""
    found = [(model.name, gauge) for model in models for gauge in gauges(model.watch)]
    for name, text in {gauge.name: gauge.help for _, gauge in found}.items():
        yield f"# HELP {name} {text}\n# TYPE {name} gauge\n"
        for model_name, gauge in found:
            if gauge.name == name:
                for column, value in gauge.values.items():
                    of_column = f'column="{_escaped(column)}",' if column else ""
                    yield f'{name}{{{of_column}model_name="{_escaped(model_name)}"}} {value!r}\n'


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
