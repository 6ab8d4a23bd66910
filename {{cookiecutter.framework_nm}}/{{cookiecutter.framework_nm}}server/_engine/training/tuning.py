"""Searching hyperparameters with optuna: the loop. Not here: what is searched, which is SEARCH in trainer/model.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Dict, Type

import numpy as np

from ..contract.errors import ModelError
from .model import Model
from .preparing import Prepared
from .progress import progress
from .settings import TrainingSettings

#: What is made small, the first that there is.
MEASURES = (("log_loss", 1), ("rmse", 1), ("accuracy", -1))
#: The share of the training rows that trainings are compared on.
SHARE = 0.25


def check(model_class: Type[Model]) -> None:
    """Raise ModelError where hyperparameters of a framework are not searched, or optuna is missing."""
    if not model_class.SEARCH:
        raise ModelError(f"--tune: hyperparameters of {model_class.FRAMEWORK} are not searched here: leave it out")
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ModelError("--tune needs optuna, which the extra has: .venv/bin/pip install -e '.[tune]'") from None


def tune(table: Prepared, rows: np.ndarray, settings: TrainingSettings, make: Callable[..., Model]) -> Dict[str, Any]:
    """The hyperparameters, of those in SEARCH, by which a model trained on a part of the rows predicts the others best.
    The first training has the settings' own, so that no worse ones are found. Prints what was gained.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parts = table.split.of(rows).once(SHARE, settings.split_seed)
    trained, others, signature = rows[parts.training], rows[parts.evaluation], table.signature(rows)
    search, own = make(task=table.task).SEARCH, settings.hyperparameters()
    end = time.monotonic() + settings.time_limit
    most = settings.tune or 0
    measured: Dict[int, str] = {}

    def train(trial: Any) -> float:
        def go_on(done: int, total: int) -> None:
            if time.monotonic() > end and trial.number:  # the first one has to end, for there to be any
                raise optuna.TrialPruned

        model = make(task=table.task, **{name: _suggest(trial, name, space) for name, space in search.items()})
        model.report = go_on
        balanced = settings.class_weight == "balanced"
        model.train(table.X.iloc[trained], table.y.iloc[trained], signature, balanced, table.split.of(trained))
        scores = model.evaluate(table.X.iloc[others], table.y.iloc[others])
        name, sign = next(measure for measure in MEASURES if measure[0] in scores)
        measured[trial.number] = name
        return sign * scores[name]

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.split_seed))
    study.enqueue_trial({name: own[name] for name, space in search.items() if _holds(space, own[name])})
    with progress("Searching hyperparameters") as report:

        def end_in_time(study: Any, trial: Any) -> None:
            report(trial.number + 1, most)
            if time.monotonic() > end:
                study.stop()

        study.optimize(train, n_trials=most, callbacks=[end_in_time], catch=(ValueError,))
    ended = [trial.value for trial in study.trials if trial.value is not None]
    if not ended:
        raise ModelError("--tune: every training failed; train without --tune to see why")
    best = study.best_trial
    measure = measured[best.number]
    gained = (
        f"was {abs(ended[0]):.4f} at first, and is {abs(study.best_value):.4f}"
        if best.number
        else "did not improve, and stays as it was"
    )
    chosen = ", ".join(f"{name} {_written(value)}" for name, value in best.params.items())
    trainings = f"{len(ended)} training{'s' * (len(ended) > 1)}"
    if len(ended) < most and time.monotonic() > end:
        trainings = f"{len(ended)} of {most} trainings, as many as --time_limit {settings.time_limit:g} allowed"
    print(f"Tuning by {trainings}: {measure} {gained} with {chosen}")
    return dict(best.params)


def _suggest(trial: Any, name: str, space: Any) -> Any:
    if isinstance(space, list):
        return trial.suggest_categorical(name, space)
    least, most, *scale = space
    suggest = trial.suggest_int if isinstance(least, int) else trial.suggest_float
    return suggest(name, least, most, log=bool(scale))


def _holds(space: Any, value: Any) -> bool:
    """Whether a value lies in what is searched."""
    if isinstance(space, list):
        return value in space
    return value is not None and space[0] <= value <= space[1]


def _written(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
