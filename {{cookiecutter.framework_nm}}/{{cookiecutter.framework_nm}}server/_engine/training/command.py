"""The training command: reads, splits, trains or imports, evaluates, saves. Not here: how a model is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Type

from ..artifact.provenance import Data
from ..artifact.stored import digest, settle
from ..artifact.versions import drafted_versions, next_version
from ..contract.errors import ModelError
from ..contract.signature import Signature
from ..tables.reading import DataError, read_data
from .model import Model
from .progress import progress
from .settings import TrainingSettings
from .task import choose_task, prepare_target, split

#: The exit status of a command that Ctrl-C ended.
INTERRUPTED = 130


def run(model_class: Type[Model], settings_class: Type[TrainingSettings]) -> None:
    """Read, split, train or import, evaluate, save; print the metrics and where the new version is."""
    settings = settings_class.from_command_line()
    make = partial(model_class, device=settings.device, **settings.hyperparameters())
    given = bool(getattr(settings, model_class.GIVEN, None)) and not (model_class.TUNES_GIVEN and settings.data)
    try:
        settings.output_dir.mkdir(parents=True, exist_ok=True)
        finish_leftovers(settings.output_dir)
        model, eval_x, eval_y = import_model(settings, make) if given else train(settings, make)
        if eval_x is not None:
            with progress("Evaluating"):
                results = model.evaluate(eval_x, eval_y)
            print(f"Evaluation on {len(eval_x)} {'' if given else 'other '}rows:")
            for name, value in results.items():
                digits = ".4g" if 0 < abs(value) < 0.01 else ".4f"  # whatever unit a number is predicted in
                print(f"  {name:<18}{value:{digits}}")
        save(model, settings)
    except (DataError, ModelError, OSError, ValueError) as error:
        sys.exit(f"Training stopped: {error}")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def finish_leftovers(directory: Path) -> None:
    """Finish the complete versions that killed trainings left behind, and remove the incomplete ones."""
    for version in drafted_versions(directory):
        if settle(version):
            print(f"Saved: {version}, left unfinished by an earlier training")


def train(settings: TrainingSettings, make: Callable[..., Model]) -> tuple[Model, Any, Any]:
    """Train on a part of the data; returns the model and the other part."""
    with progress("Reading the data"):
        X, y = read_data(settings.data, settings.target, settings.spellings, settings.text_columns)
    task = choose_task(settings.task, y)
    y = prepare_target(task, y)
    train_x, eval_x, train_y, eval_y = split(X, y, task, settings.eval_share, settings.split_seed)
    data = describe(settings, X)
    model = make(task=task)
    print(f"Training: {task} of {y.name!r} from {X.shape[1]} columns, {len(train_x)} rows")
    with progress("Training") as model.report:
        model.train(train_x, train_y, Signature.learn(X, settings.spellings))
    model.record(settings.recorded(), data)
    return model, eval_x, eval_y


def describe(settings: TrainingSettings, X: Any) -> Data:
    """Say which table a model is made with."""
    file = settings.data
    return Data(file.name if file else None, digest(file) if file else None, *X.shape)


def import_model(settings: TrainingSettings, make: Callable[..., Model]) -> tuple[Model, Any, Any]:
    """Import a model made elsewhere; returns it and the data to evaluate it on, which may be none."""
    model = make(task=settings.task)
    if settings.data is None:
        model.import_model()
        model.record(settings.recorded())
        return model, None, None
    with progress("Reading the data"):
        X, y = read_data(settings.data, settings.target, settings.spellings, settings.text_columns)
    model.import_model(X, settings.spellings)
    model.record(settings.recorded(), describe(settings, X))
    return model, X, prepare_target(model.task, y)


def save(model: Model, settings: TrainingSettings) -> None:
    """Save a model as the next version, and say where that is, also after Ctrl-C while it was being compiled."""
    while True:
        version = next_version(settings.output_dir)
        try:
            with progress("Saving, and compiling the model"):
                model.save(version, settings.extras_seconds)
        except FileExistsError:  # another training took that number meanwhile
            continue
        except KeyboardInterrupt:
            if version.exists():
                report(model, version)
            raise
        return report(model, version)


def report(model: Model, version: Path) -> None:
    """Print what came of the compiled model, and where the new version is."""
    print(model.compiled_note)
    print(f"Saved: {version}")
