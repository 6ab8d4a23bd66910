"""Prints, as JSON, what the code of generated projects says of itself: options, settings, metrics, errors.

Runs in a process of its own, in an environment without settings, because projects read them while they are imported.
"""

from __future__ import annotations

import inspect
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import numpy as np
import pandas as pd

#: How kinds of values are called.
KINDS = {bool: "switch", float: "number", int: "whole number", Path: "path", str: "text"}


def options(settings: Any) -> list[dict[str, str]]:
    """The options of a class of settings: its own, without the values that this machine gave them."""
    found = []
    for name, field in settings.model_fields.items():
        shown = "" if field.default in (None, "") else str(field.default).lower()
        shown = "the package's `trainer` folder" if name == "output_dir" else shown and f"`{shown}`"
        found.append({"name": name, "kind": kind(field), "default": shown, "help": field.description or ""})
    return found


def kind(field: Any) -> str:
    """What a setting takes, in words."""
    annotations = [one for one in get_args(field.annotation) if one is not type(None)]
    annotation = annotations[0] if type(None) in get_args(field.annotation) else field.annotation
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation) if value != "")
    spoken = {"ge": "from {}", "gt": "above {}", "le": "up to {}", "lt": "below {}"}
    bounds = [
        words.format(f"{value:,}" if isinstance(value, int) else value)
        for limit in field.metadata
        for name, words in spoken.items()
        if (value := getattr(limit, name, None)) is not None
    ]
    return " ".join([KINDS.get(annotation, "text"), *bounds])


def server(package: str) -> list[dict[str, str]]:
    """The server's settings."""
    serving: Any = import_module(f"{package}._engine.serving.options")
    serving.memory = lambda: 0  # a default is a share of it
    parser = import_module(f"{package}._engine.sdk.config").options("serve")
    return [
        {"name": action.dest, "default": str(action.default or ""), "help": action.help.rpartition(" [")[0]}
        for action in parser._actions
        if action.dest != "help"
    ]


def watch(package: str) -> Any:
    """What watches a model of a number and a text for drift, after some requests."""
    reference = import_module(f"{package}._engine.drift.reference")
    X = pd.DataFrame({"number": range(100), "text": ["one", "other"] * 50})
    signature = import_module(f"{package}._engine.contract.signature").Signature.learn(X)
    predictions = reference.of_predictions(np.arange(100.0), None, 10)
    learnt = msgspec.structs.replace(reference.learn(signature, X, 10), predictions=predictions)
    watching = import_module(f"{package}._engine.serving.watch").Watch(signature, learnt)
    watching.note(X, np.arange(100.0))
    return watching


def metrics(package: str) -> list[dict[str, Any]]:
    """The server's metrics, after a request."""
    from prometheus_client import REGISTRY

    telemetry = import_module(f"{package}._engine.sdk.telemetry")
    model = telemetry.Telemetry("model")
    model.begun()
    model.ended("v2", "200", 0.001, 10, 10)
    telemetry.show_model("model", "0001", "onnx", watch(package))
    return [
        {
            "name": family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""),
            "kind": family.type,
            "help": family.documentation,
            "labels": sorted({label for sample in family.samples for label in sample.labels} - {"le"}),
        }
        for family in REGISTRY.collect()
        if family.name.startswith(("inference_", "request_"))
    ]


def errors(package: str) -> list[dict[str, Any]]:
    """How requests end that are not answered."""
    failures = import_module(f"{package}._engine.serving.failures")
    found = [
        {"help": (inspect.getdoc(error) or "").partition("\n\n")[0], **outcome._asdict()}
        for error, outcome in failures._OUTCOMES
    ]
    failed = {"help": "The model's own code failed, and the log says why.", **failures.FAILURE._asdict()}
    return sorted([*found, failed], key=lambda error: error["status"])


def main() -> None:
    """Look into each project named; of the server into the first one."""
    projects = [Path(argument) for argument in sys.argv[1:]]
    sys.argv[1:] = []
    sys.path[:0] = map(str, projects)
    first = f"{projects[0].name}server"
    found: dict[str, Any] = {"server": server(first), "errors": errors(first), "hyperparameters": {}}
    for project in projects:
        config = import_module(f"{project.name}server.trainer.config")
        found["training"] = options(config.TrainingSettings)
        found["hyperparameters"][project.name] = options(config.Hyperparameters)
    if Path(projects[0], f"{first}/_engine/sdk/telemetry.py").exists():
        found["metrics"] = metrics(first)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
