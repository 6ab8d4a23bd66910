"""The training command: `python -m <package>.trainer --help`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ._core import ModelError
from .config import Settings
from .model import MyModel
from .signature import Signature
from .utils import DataError, choose_task, next_version, prepare_target, progress, read_data, split


def main() -> None:
    """Read, split, train or adopt, evaluate, save; print the metrics and where the new version is."""
    settings = Settings.from_command_line()
    try:
        settings.output_dir.mkdir(parents=True, exist_ok=True)
        model, eval_x, eval_y = adopt(settings) if settings.given else train(settings)
        if eval_x is not None:
            with progress("Evaluating"):
                results = model.evaluate(eval_x, eval_y)
            print(f"Evaluation on {len(eval_x)} {'' if settings.given else 'other '}rows:")
            for name, value in results.items():
                digits = ".4g" if 0 < abs(value) < 0.01 else ".4f"  # whatever unit a number is predicted in
                print(f"  {name:<18}{value:{digits}}")
        version = save(model, settings.output_dir)
    except (DataError, ModelError, OSError, ValueError) as error:
        sys.exit(f"The training cannot go on: {error}")
    print(model.twin_note)
    print(f"Saved: {version}")


def train(settings: Settings) -> tuple[MyModel, Any, Any]:
    """Train on a part of the data; returns the model and the other part."""
    with progress("Reading the data"):
        X, y = read_data(settings.data, settings.target)
    task = choose_task(settings.task, y)
    y = prepare_target(task, y)
    train_x, eval_x, train_y, eval_y = split(X, y, task, settings.eval_share, settings.split_seed)
    model = MyModel(task=task, device=settings.device, **settings.hyperparameters())
    print(f"Training: {task} of {y.name!r} from {X.shape[1]} columns, {len(train_x)} rows")
    with progress("Training") as model.report:
        model.train(train_x, train_y, Signature.learn(X))
    return model, eval_x, eval_y


def adopt(settings: Settings) -> tuple[MyModel, Any, Any]:
    """Adopt a model made elsewhere; returns it and the data to evaluate it on, which may be none."""
    model = MyModel(task=settings.task, device=settings.device, **settings.hyperparameters())
    if settings.data is None:
        model.adopt()
        return model, None, None
    with progress("Reading the data"):
        X, y = read_data(settings.data, settings.target)
    model.adopt(X)
    return model, X, prepare_target(model.task, y)


def save(model: MyModel, directory: Path) -> Path:
    """Save a model as the next version, and return where that is."""
    while True:
        version = next_version(directory)
        try:
            model.save(version)
            return version
        except FileExistsError:  # another training took that number meanwhile
            continue


if __name__ == "__main__":
    main()
