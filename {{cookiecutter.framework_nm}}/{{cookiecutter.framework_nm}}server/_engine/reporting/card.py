"""The report as a model card: Markdown, with what Hugging Face's Hub reads before it, as YAML.

The form is that of https://huggingface.co/docs/hub/model-cards. Not here: what it says (words.py).
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Sequence

from . import words
from .contents import Report

#: What the Hub calls libraries and metrics that are called otherwise here.
LIBRARIES = {"scikit-learn": "sklearn", "tensorflow": "keras", "torch": "pytorch", "PaddlePaddle": "paddlepaddle"}
METRICS = {"f1_macro": "f1", "rmse": "rmse", "mae": "mae", "r2": "r_squared"}


def write(report: Report) -> str:
    """The card of a report."""
    return "\n".join(["---", *_yaml(_front(report)), "---", "", *_body(report)])


def _front(report: Report) -> Dict[str, Any]:
    model = report.model
    kind = f"tabular-{model.task}" if not model.columns[0].shape else model.task
    front: Dict[str, Any] = {
        "library_name": LIBRARIES.get(model.platform, model.platform.lower()),
        "pipeline_tag": kind if kind.startswith("tabular-") else None,
        "tags": [kind, model.platform.lower()],
    }
    if report.figures:
        data = model.made.data if model.made else None
        results = {
            "task": {"type": kind},
            "dataset": {"name": _printable((data and data.file) or "not named"), "type": "tabular"},
            "metrics": [
                {"type": METRICS.get(name, name), "value": value, "name": words.METRICS.get(name, (name,))[0]}
                for name, value in model.metrics.items()
                if not name.startswith("baseline_")
            ],
        }
        front["model-index"] = [{"name": f"{model.name} {report.version}", "results": [results]}]
    return {name: value for name, value in front.items() if value is not None}


def _yaml(front: Dict[str, Any]) -> Iterator[str]:
    """A line for each value, as JSON, which is YAML, too."""
    for name, value in front.items():
        yield f"{name}: {json.dumps(value, ensure_ascii=False)}"


def _body(report: Report) -> Iterator[str]:
    yield from (f"# {_text(report.model.name)}, version {_text(report.version)}", "", _text(words.summary(report)), "")
    for remark in words.remarks(report):
        yield f"- {_text(remark)}"
    yield from ("", "## How it was made", "")
    yield from _table(("", ""), list(words.facts(report)))
    yield from _table(("setting", "value"), words.choices(report))
    if report.figures:
        yield from ("## Metrics", "")
        before = f"version {report.previous.version}" if report.previous else None
        head = ("metric", "this version", "baseline", before, "what it is")
        rows = [head, *words.metrics(report)]
        first, *others = [[cell for cell in row if cell is not None] for row in rows]
        yield from _table(first, others)
    if report.figures and report.figures.labels:
        yield from ("## Labels", "")
        yield from _table(
            ("label", "evaluation rows", "precision", "recall", "F1"),
            [
                (label.name, words.number(label.rows), *map(words.percent, (label.precision, label.recall, label.f1)))
                for label in report.figures.labels
            ],
        )
    yield from ("## Columns", "")
    yield from _table(("column", "kind"), [(column.name, column.kind) for column in report.columns])
    yield from (
        "## Uses and limits",
        "",
        "*For you to write: what it is for, what it is not for, and whom it may harm.*",
        "",
    )
    yield from (_text(words.privacy(report)), "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


def _text(text: str) -> str:
    """Text that is neither Markdown nor HTML, on one line."""
    escaped = re.sub(r"([\\`*_\[\]#|~<>&])", r"\\\1", _printable(text))
    return escaped.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;").replace("://", ":\\//")
