"""Telling MLflow's tracking server of a version, where MLFLOW_TRACKING_URI names one.

Not here: the version, which is saved before that. MLflow is imported only then; the extra `mlflow` brings it.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from ..artifact.addresses import redacted
from .model import Model

VARIABLE = "MLFLOW_TRACKING_URI"
#: MLflow's own settings, unless the owner says otherwise: it would try for minutes to reach a server that is not there.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def wanted() -> bool:
    """Whether a server is named, and MLflow is there to tell it. Prints what is missing where it is not."""
    if not os.environ.get(VARIABLE):
        return False
    if importlib.util.find_spec("mlflow") is None:
        package = __package__.split(".")[0]
        print(f"{VARIABLE} is set, and nothing will go there: MLflow is missing (pip install '{package}[mlflow]')")
        return False
    return True


def track(model: Model, version: Path) -> str:
    """Log a saved version as a run: parameters, metrics, and all files, the report among them. MLflow's own variables
    say in which experiment. Returns a sentence on what came of it."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow

        with mlflow.start_run(run_name=f"{__package__.split('.')[0]} {version.name}") as run:
            mlflow.log_params(_parameters(model))
            mlflow.log_metrics(model.metrics)
            mlflow.log_artifacts(str(version), version.name)
    except Exception as error:  # MLflow's, and those of whatever keeps its files; the version is saved
        reason = redacted(str(error), os.environ[VARIABLE]).partition("\n")[0] or type(error).__name__
        return f"Not tracked by MLflow, though saved: {reason:.300}"
    return f"Tracked by MLflow: run {run.info.run_id}"


def _parameters(model: Model) -> dict[str, Any]:
    """Hyperparameters, settings, and which data it was."""
    if model.made is None:
        return {}
    data = model.made.data
    known = {"data": data and data.file, "data_sha256": data and data.sha256}
    found = {**known, **model.made.settings, **model.made.hyperparameters}
    return {name: value for name, value in found.items() if value not in (None, "")}
