"""The training command: inspects, splits, trains or imports, evaluates, saves. Not here: how a model is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Type

import numpy as np
import pandas as pd

from ..artifact.provenance import Spread
from ..artifact.stored import settle
from ..artifact.versions import drafted_versions, next_version
from ..contract.errors import ModelError
from ..contract.signature import Signature
from ..reporting import chance, words
from ..reporting.listing import some
from ..reporting.storing import keeps_rows
from ..tables.reading import DataError
from . import mlserver, scores, tracking, tuning
from .importing import Known, check_labels, told
from .model import Model
from .preparing import Prepared, prepare, read
from .progress import progress
from .settings import TrainingSettings
from .splitting import Rows
from .task import prepare_target

#: The exit status of a command that Ctrl-C ended.
INTERRUPTED = 130
#: How many labels are named, at most.
SHOWN = 10


def run(model_class: Type[Model], settings_class: Type[TrainingSettings]) -> None:
    """Read, split, train or import, evaluate, save; print the metrics and where the new version is."""
    settings = settings_class.from_command_line()
    chosen = settings.model_dump(include={"device", "min_count", "threads"})
    make = partial(model_class, **chosen, **settings.hyperparameters())
    named = bool(getattr(settings, model_class.GIVEN, None)) and not (model_class.TUNES_GIVEN and settings.data)
    given = named or settings.imported is not None
    try:
        if settings.inspect:
            prepare(settings)
            return
        if settings.tune:
            tuning.check(model_class)
        tracked = tracking.wanted()
        if given:
            model, eval_x, eval_y = import_model(settings, make)
        settings.output_dir.mkdir(parents=True, exist_ok=True)
        finish_leftovers(settings.output_dir)
        if not given:
            model, eval_x, eval_y = train(settings, make)
        model.set_threshold(settings.threshold)
        if model.threshold is not None and model.labels is not None:
            print(f"The model answers {model.labels.tolist()[1]!r} if its probability is {model.threshold:g} or more")
        if eval_x is not None:
            evaluate(model, eval_x, eval_y, "" if given else "other ", settings)
        version = save(model, settings)
        if tracked:
            print(tracking.track(model, version))
    except (DataError, ModelError, OSError, ValueError) as error:
        sys.exit(f"Training stopped: {error}")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def finish_leftovers(directory: Path) -> None:
    """Finish the complete versions that killed trainings left behind, and remove the incomplete ones."""
    for version in drafted_versions(directory):
        if settle(version):
            print(f"Saved: {version}, which an earlier training left unfinished")


def train(settings: TrainingSettings, make: Callable[..., Model]) -> tuple[Model, Any, Any]:
    """Train on a part of the data; returns the model and the other part."""
    table = prepare(settings)
    rows = table.split.once(settings.eval_share, settings.split_seed)
    if settings.tune:
        make = partial(make, **tuning.tune(table, rows.training, settings, make))
    folds = cross_validate(table, rows.training, settings, make) if settings.folds else None
    signature = table.signature(rows.training)
    shape = f"{len(signature.columns)} columns, {len(rows.training)} rows"
    print(f"Training: {table.task} of {table.y.name!r} from {shape}")
    model = fit(table, rows.training, signature, make, "Training")
    for note in model.notes:
        print(f"  {note}")
    model.record(settings.recorded(), table.data, folds)
    evaluation = answerable(table, rows.evaluation, model)
    return model, table.X.iloc[evaluation], table.y.iloc[evaluation]


def fit(table: Prepared, rows: np.ndarray, signature: Signature, make: Callable[..., Model], what: str) -> Model:
    """Train a model on some rows of a table, with the signature that was learnt from them."""
    model = make(task=table.task)
    with progress(what) as model.report:
        balanced = table.settings.class_weight == "balanced"
        model.train(table.X.iloc[rows], table.y.iloc[rows], signature, balanced, table.split.of(rows))
    return model


def answerable(table: Prepared, rows: np.ndarray, model: Model) -> np.ndarray:
    """Those of the rows that a client could ask about: without missing values where the rows of training had none.

    Raises DataError where there are none.
    """
    known = [column.name for column in model.signature.columns if not column.nullable]
    missing = table.X[known].iloc[rows].isna()
    left = rows[~missing.any(axis=1)]
    if len(left) < len(rows):
        names = ", ".join(map(repr, missing.columns[missing.any()][:SHOWN]))
        print(
            f"{len(rows) - len(left)} evaluation rows have no value in {names}, though every training row has one. "
            "They are not evaluated, because the server refuses such requests."
        )
    if not len(left):
        raise DataError("no row is left to evaluate on: choose other rows with --split_seed")
    return left


def cross_validate(
    table: Prepared, rows: np.ndarray, settings: TrainingSettings, make: Callable[..., Model]
) -> dict[str, Spread]:
    """Train and score a model for each fold of the rows; returns the spread of each metric, and prints it."""
    folds = table.split.of(rows).folds(settings.folds or 0, settings.split_seed)
    print(f"Cross-validation: {len(folds)} folds of {len(rows)} rows")
    found = pd.DataFrame([_score_fold(table, rows, fold, settings, make) for fold in folds])
    print_metrics(
        {str(name): f"{_written(found[name].mean())} +- {_written(found[name].std(ddof=0))}" for name in found}
    )
    return {str(name): Spread(float(found[name].mean()), float(found[name].std(ddof=0))) for name in found}


def _score_fold(
    table: Prepared, rows: np.ndarray, fold: Rows, settings: TrainingSettings, make: Callable[..., Model]
) -> dict[str, float]:
    training = rows[fold.training]
    model = fit(table, training, table.signature(training), make, "Training without a fold")
    model.set_threshold(settings.threshold)
    others = answerable(table, rows[fold.evaluation], model)
    return model.evaluate(table.X.iloc[others], table.y.iloc[others])


def import_model(settings: TrainingSettings, make: Callable[..., Model]) -> tuple[Model, Any, Any]:
    """Import a model made elsewhere; returns it and the data to evaluate it on, which may be none."""
    model = make(task=settings.task)
    path, known = settings.model, Known(settings.label_names)
    if settings.from_mlserver:
        path, columns = mlserver.read(settings.from_mlserver, model.FRAMEWORK)
        known = known._replace(columns=columns)
    table, data = read(settings, plain=True) if settings.data else (None, None)
    X = None if table is None else table.X
    model.import_model(path, X, settings.spellings, settings.trust, known)
    model.record(settings.recorded(), data)
    print("\n".join(told(model)))
    if table is None or settings.target is None:
        return model, None, None
    y = prepare_target(model.task, table.y)
    check_labels(model, y, settings.target)
    return model, X, y


def evaluate(model: Model, X: Any, y: Any, which: str, settings: TrainingSettings) -> None:
    """Score a model on rows, and print the metrics. Raises ModelError where it is useless, and may not be."""
    with progress("Evaluating"):
        results = model.evaluate(X, y, X.index + 1)
    print(f"Evaluation on {len(X)} {which}rows:")
    print_metrics({name: _written(value) for name, value in results.items()})
    missed = scores.unseen(np.asarray(y), model.labels)
    if missed:
        print(f"No row has the label {some(map(repr, missed), SHOWN)}: the metrics say nothing about them.")
    assert model.evaluation
    unanswered = scores.unanswered(np.asarray(y), model.evaluation.y_hat, model.labels)
    if unanswered:
        hint = "" if settings.class_weight else "; if it is rare, --class_weight balanced helps"
        print(f"No row is answered with the label {some(map(repr, unanswered), SHOWN)}, though some have it{hint}.")
    reason = scores.useless(results, settings.class_weight == "balanced")
    if reason:
        if not settings.allow_useless:
            raise ModelError(
                f"the model is no better than one that knows nothing, and is not saved: {reason}. More rows or other "
                "columns may help; --allow_useless saves it all the same"
            )
        print(f"The model is no better than one that knows nothing: {reason}.")
    elif chance.possible(model.evaluation):
        print(words.by_chance(len(X)))


def save(model: Model, settings: TrainingSettings) -> Path:
    """Save a model as the next version, and say where that is, also after Ctrl-C while it was being compiled."""
    while True:
        version = next_version(settings.output_dir)
        try:
            with progress("Saving, compiling the model, and reporting"):
                model.save(version, settings.extras_seconds, settings.report, settings.report_rows)
        except FileExistsError:  # another training took that number meanwhile
            continue
        except KeyboardInterrupt:
            if version.exists():
                report(model, version)
            raise
        report(model, version)
        return version


def report(model: Model, version: Path) -> None:
    """Print what came of the compiled model and of the report, what the version tells, and where it is."""
    print(model.compiled_note)
    print(model.report_note)
    for name in keeps_rows(model.model):
        print(f"{name} stores rows of the training data: whoever gets this version gets those rows, too.")
    print(f"Saved: {version}")


def print_metrics(written: dict[str, str]) -> None:
    """Print metrics, each beside that of a model that knows nothing."""
    for name, value in written.items():
        beside = f"baseline_{name}"
        if not name.startswith("baseline_"):
            print(f"  {name:<18}{value:<20}{f'baseline {written[beside]}' if beside in written else ''}".rstrip())


def _written(value: float) -> str:
    """A metric, in whatever unit a number is predicted."""
    return f"{value:.4g}" if 0 < abs(value) < 0.01 else f"{value:.4f}"
