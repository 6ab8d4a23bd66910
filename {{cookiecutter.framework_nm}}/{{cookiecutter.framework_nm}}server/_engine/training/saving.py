"""Saving a model: its directory first, whole, and the extras within their time: the compiled model (ONNX), the report.

Not here: what a model directory is, how another process compiles (extras.py), and what a report says (reporting/).
"""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Iterable

import msgspec

from ..artifact import compiled, draft, example, metadata, reports, stored
from ..artifact.metadata import Metadata
from ..drift import reference
from .deadline import within
from .places import Places

if TYPE_CHECKING:
    from ..reporting.contents import Report
    from .model import Model


#: Seconds that the extras may take at most: a day.
LONGEST = 86_400
#: Seconds that the report has if the conversion has used up all: enough where nothing hangs.
LEAST = 10.0


def save(model: Model, dirpath: Path, extras_seconds: float, report: bool, report_rows: bool) -> None:
    """Write the model directory of a model; it appears whole or not at all.

    `compiled_note` says what came of compiling, and `report_note` what came of the report.

    Raises ValueError where `extras_seconds` is no such time, FileExistsError where `dirpath` exists already.
    """
    if not 0 <= extras_seconds <= LONGEST:
        raise ValueError(f"extras_seconds is {extras_seconds}: expected seconds from 0 to {LONGEST}, which is a day")
    end = time.monotonic() + extras_seconds
    model.compiled_note = model.report_note = ""
    stored.settle(dirpath)
    with draft.new(dirpath) as new:
        found = _copy(model, new.path) if model.artifact else _write(model, new.path)
        try:
            comparison = found.compiled or _compile(model, new.path, extras_seconds)
            if comparison and not found.compiled:
                found = _list(new.path, msgspec.structs.replace(found, compiled=comparison), (compiled.FILE,))
            unwanted = "--no-report was given" if not report else "" if extras_seconds else "--extras_seconds is 0"
            if _report(model, new, found, unwanted, end - time.monotonic(), report_rows):
                _list(new.path, found, reports.FILES)
        except KeyboardInterrupt:
            model.compiled_note = model.compiled_note or "No compiled model: the conversion was interrupted."
            model.report_note = "No report: it was interrupted."
            raise
        finally:
            stored.finish(new)


def _write(model: Model, folder: Path) -> Metadata:
    """Write all that a model directory has to have, metadata.json last."""
    model.dump(folder / model.weights)
    example.write(folder, model.signature, model.example)
    if model.reference:
        reference.write(folder, model.reference)
    found = Metadata(
        name=type(model).__module__.split(".")[0],
        platform=model.FRAMEWORK,
        task=model.task,  # type: ignore[arg-type]  # the framework may have set it, and reading checks it
        inputs=model.signature.inputs,
        outputs=model.outputs,
        columns=model.signature.columns,
        missing=model.signature.missing,
        unused=model.signature.unused,
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
    """Copy the directory of a loaded model, as it was then, with its metrics and its threshold of now.

    Its report is not listed where it tells of another evaluation than the last one.
    """
    assert model.artifact
    model.artifact.copy(folder)
    found = msgspec.structs.replace(model.artifact.metadata, metrics=model.metrics, threshold=model.threshold)
    if model.evaluation:
        files = {name: digest for name, digest in found.files.items() if name not in reports.FILES}
        found = msgspec.structs.replace(found, files=files)
    metadata.write(folder, found)
    if found.compiled:
        model.compiled_note = f"Compiled model: {compiled.FILE} was copied"
    return found


def _list(folder: Path, found: Metadata, names: Iterable[str]) -> Metadata:
    """Write metadata.json with files that were added."""
    files = {**found.files, **{name: stored.digest(folder / name) for name in names}}
    listing = msgspec.structs.replace(found, files=files)
    metadata.write(folder, listing)
    return listing


def _compile(model: Model, folder: Path, seconds: float) -> dict[str, float] | None:
    """Add the compiled model to a folder that has all else; None, and a note why, where there can be none."""
    reason = ""
    if model.WEIGHTS == compiled.FILE:
        reason = "the model itself is ONNX"
    elif type(model).to_onnx is Places.to_onnx:
        reason = f"there is none for {model.FRAMEWORK}"
    elif not seconds:
        reason = "--extras_seconds is 0"
    elif model.evaluation is None and model.rows is None:
        reason = "there was no data, so nothing to compare it on"
    else:
        from . import extras

        X = model.evaluation.X if model.evaluation else model.rows
        try:
            X = model.preprocess(X[:: -(-len(X) // extras.ROWS)])
            comparison = extras.compile_model(model, folder, X, seconds)
            model.compiled_note = (
                f"Compiled model: {compiled.FILE} agrees on {comparison['rows']} rows, "
                f"{compiled.agreement(comparison['largest_difference'], model.labels is not None)}"
            )
            return comparison
        except Exception as error:  # also of a `preprocess` that needs all rows, or a disk that is full
            reason = str(error).partition("\n")[0]
    model.compiled_note = f"No compiled model: {reason}."
    return None


def _report(model: Model, new: draft.Draft, found: Metadata, unwanted: str, seconds: float, show_rows: bool) -> bool:
    """Write the report into a folder that has all else, and say whether there is a new one; a note says why not."""
    if model.artifact and model.evaluation is None:
        copied = reports.PAGE in found.files
        model.report_note = f"Report: {reports.PAGE} was copied" if copied else "No report: there was none to copy."
        return False
    if unwanted:
        model.report_note = f"No report: {unwanted}."
        return False
    try:
        report, files = within(max(seconds, LEAST), lambda: _compose(model, new.target, found, seconds, show_rows))
        for name, content in files.items():
            (new.path / name).write_bytes(content)
    except Exception as error:  # a report is no reason to lose a model
        reason = str(error).partition("\n")[0] or type(error).__name__
        model.report_note = f"No report: {reason}."
        return False
    measured = report.importances
    short = (
        f", without the importance of {measured.left_out} columns: there was no time"
        if measured and measured.left_out
        else ""
    )
    model.report_note = f"Report: {reports.PAGE}{short}"
    return True


def _compose(
    model: Model, target: Path, found: Metadata, seconds: float, show_rows: bool
) -> tuple[Report, Dict[str, bytes]]:
    """The report, and its files by their names."""
    from ..reporting import writing
    from ..reporting.storing import keeps_rows

    options = writing.Options(seconds, model.min_count, show_rows)
    keeping = keeps_rows(model.model)
    report = writing.compose(target, found, model.evaluation, model.in_data_terms, keeping, options)
    return report, writing.render(report)
