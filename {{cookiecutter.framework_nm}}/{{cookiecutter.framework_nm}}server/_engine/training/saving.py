"""Saving a model: its directory first, whole, and the compiled model (ONNX) within its time.

Not here: what a model directory is, and how another process compiles (extras.py).
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..artifact import compiled, draft, example, metadata, stored
from ..artifact.metadata import Metadata
from .places import Places

if TYPE_CHECKING:
    from .model import Model


#: Seconds that making the compiled model may take at most: a day.
LONGEST = 86_400


def save(model: Model, dirpath: Path, extras_seconds: float) -> None:
    """Write the model directory of a model; it appears whole or not at all.

    `compiled_note` says what came of compiling.

    Raises ValueError where `extras_seconds` is no such time, FileExistsError where `dirpath` exists already.
    """
    if not 0 <= extras_seconds <= LONGEST:
        raise ValueError(f"extras_seconds is {extras_seconds}: expected seconds from 0 to {LONGEST}, which is a day")
    stored.settle(dirpath)
    with draft.new(dirpath) as new:
        found = _copy(model, new.path) if model.artifact else _write(model, new.path)
        try:
            comparison = found.compiled or _compile(model, new.path, extras_seconds)
            if comparison and not found.compiled:
                files = {**found.files, compiled.FILE: stored.digest(new.path / compiled.FILE)}
                metadata.write(new.path, msgspec.structs.replace(found, compiled=comparison, files=files))
        except KeyboardInterrupt:
            model.compiled_note = "No compiled model: the conversion was interrupted."
            raise
        finally:
            stored.finish(new)


def _write(model: Model, folder: Path) -> Metadata:
    """Write all that a model directory has to have, metadata.json last."""
    model.dump(folder / model.weights)
    example.write(folder, model.signature, model.example)
    found = Metadata(
        name=type(model).__module__.split(".")[0],
        platform=model.FRAMEWORK,
        task=model.task,  # type: ignore[arg-type]  # the framework may have set it, and reading checks it
        inputs=model.signature.inputs,
        outputs=model.outputs,
        columns=model.signature.columns,
        missing=model.signature.missing,
        labels=None if model.labels is None else model.labels.tolist(),
        metrics=model.metrics,
        threshold=model.threshold,
        state=model.state,
        compiled=None,
        versions={"python": platform.python_version(), model.FRAMEWORK: model.version()},
        files={name: stored.digest(folder / name) for name in stored.files_in(folder)},
        made=model.made,
    )
    metadata.write(folder, found)
    return found


def _copy(model: Model, folder: Path) -> Metadata:
    """Copy the directory of a loaded model, as it was then, with its metrics and its threshold of now."""
    assert model.artifact
    model.artifact.copy(folder)
    found = msgspec.structs.replace(model.artifact.metadata, metrics=model.metrics, threshold=model.threshold)
    metadata.write(folder, found)
    if found.compiled:
        model.compiled_note = f"Compiled model: {compiled.FILE} was copied"
    return found


def _compile(model: Model, folder: Path, seconds: float) -> dict[str, float] | None:
    """Add the compiled model to a folder that has all else; None, and a note why, where there can be none."""
    reason = ""
    if model.WEIGHTS == compiled.FILE:
        reason = "the model itself is ONNX"
    elif type(model).to_onnx is Places.to_onnx:
        reason = f"there is none for {model.FRAMEWORK}"
    elif not seconds:
        reason = "--extras_seconds is 0"
    elif model.compared is None:
        reason = "there was no evaluation, so nothing to compare it on"
    else:
        from . import extras

        X = model.compared
        try:
            X = model.preprocess(X[:: -(-len(X) // extras.ROWS)])
            comparison = extras.compile_model(model, folder, X, seconds)
            model.compiled_note = (
                f"Compiled model: {compiled.FILE} agrees on {comparison['rows']} rows, "
                f"scores within {comparison['largest_difference']:.0e}"
            )
            return comparison
        except Exception as error:  # also of a `preprocess` that needs all rows, or a disk that is full
            reason = str(error).partition("\n")[0]
    model.compiled_note = f"No compiled model: {reason}."
    return None
