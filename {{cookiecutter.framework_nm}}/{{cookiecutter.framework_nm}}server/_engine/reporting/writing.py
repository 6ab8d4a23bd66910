"""The report's files: made of a model that was saved, and of its evaluation. Not here: what each of them looks like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import msgspec
import numpy as np

from ..artifact import metadata
from ..artifact.metadata import Metadata
from ..artifact.reports import CARD, NUMBERS, PAGE
from ..artifact.versions import versions
from ..contract.errors import ModelError
from ..contract.signature import Signature
from . import card, columns, figures, importance, page
from .contents import Evaluation, Importances, Previous, Report

#: Seconds that are spent on the importance of columns, at most.
SECONDS = 5.0


class Options(NamedTuple):
    """What a report may take and tell: seconds for the importance of columns, the rows that have to share a text
    before it is shown, and whether the worst rows are shown."""

    seconds: float
    min_count: int
    show_rows: bool


def render(report: Report) -> Dict[str, bytes]:
    """The content of report.json, report.html and MODEL_CARD.md, by their names."""
    return {
        NUMBERS: msgspec.json.encode(report, enc_hook=str) + b"\n",
        PAGE: page.write(report).encode(),
        CARD: card.write(report).encode(),
    }


def compose(
    target: Path,
    model: Metadata,
    evaluation: Optional[Evaluation],
    answer: Callable[[Any, bool], np.ndarray],
    keeps_rows: List[str],
    options: Options,
) -> Report:
    """The report of a model that gets the directory `target`; `answer` answers rows in the signature's form, in the
    terms of the data, or with the probabilities of labels."""
    signature = Signature(model.columns, model.missing)
    return Report(
        version=target.name,
        model=msgspec.structs.replace(model, state={}, files={}),
        columns=columns.describe(signature, evaluation.X if evaluation else None, options.min_count),
        figures=figures.compute(evaluation, signature, options.show_rows) if evaluation else None,
        importances=_importances(evaluation, signature, answer, options.seconds) if evaluation else None,
        previous=_previous(target, model),
        keeps_rows=keeps_rows,
        min_count=options.min_count,
    )


def _importances(
    evaluation: Evaluation, signature: Signature, answer: Callable[[Any, bool], np.ndarray], seconds: float
) -> Optional[Importances]:
    if signature.tensor:  # which has no columns to shuffle
        return None
    return importance.measure(evaluation, signature.names, answer, min(seconds, SECONDS))


def _previous(target: Path, model: Metadata) -> Optional[Previous]:
    """The version before, if it can be read and has metrics of the same task."""
    if not target.name.isdecimal():
        return None
    for path in reversed(versions(target.parent)):
        if int(path.name) < int(target.name):
            try:
                found = metadata.read(path)
            except ModelError:
                continue
            if found.task == model.task and found.metrics:
                rows = _rows(model)
                return Previous(path.name, found.metrics, same_rows=rows is not None and rows == _rows(found))
    return None


def _rows(model: Metadata) -> Optional[tuple[Any, ...]]:
    """What decides which rows a model is evaluated on."""
    if model.made is None or model.made.data is None:
        return None
    settings = model.made.settings
    chosen = (settings.get(name) for name in ("target", "eval_share", "split_seed", "group", "time"))
    return (model.made.data.sha256, model.made.data.rows, *chosen)
