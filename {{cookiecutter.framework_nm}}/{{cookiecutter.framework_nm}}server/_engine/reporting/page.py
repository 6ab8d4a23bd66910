"""The report as a page: one file of HTML that needs nothing else, and runs nothing.

Not here: drawings (drawing.py), sentences (words.py), how text is escaped (markup.py), and how it looks (report.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, List

from . import drawing, words
from .contents import Column, Confusion, Figures, Importances, Report, WorstRow
from .markup import LISTED, figure, more, table, text

TEMPLATE = Path(__file__).with_name("report.html")


def write(report: Report) -> str:
    """The page of a report."""
    title = f"{report.model.name}, version {report.version}"
    body = "\n".join(_sections(report, title))
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(title=text(title), body=body)


def _sections(report: Report, title: str) -> Iterator[str]:
    yield f'<header><h1>{text(title)}</h1><p class="lead">{text(words.summary(report))}</p></header>'
    remarks = "".join(f"<li>{text(remark)}</li>" for remark in words.remarks(report))
    if remarks:
        yield f'<ul class="remarks">{remarks}</ul>'
    if report.figures:
        yield from _metrics(report)
        yield from _labels(report.figures) if report.figures.labels else _numbers(report.figures, words.target(report))
    if report.importances:
        yield from _importances(report.importances)
    if report.figures:
        yield from _worst(report.figures.worst, bool(report.figures.labels))
    yield from _columns(report)
    yield from ("<h2>How it was made</h2>", table(("", ""), words.facts(report)))
    choices = words.choices(report)
    if choices:
        yield f"<h3>Hyperparameters and settings</h3>{table(('setting', 'value'), choices)}"
    yield f'<p class="note">{text(words.privacy(report))}</p>'


def _metrics(report: Report) -> Iterator[str]:
    before = None if report.previous is None else f"version {report.previous.version}"
    rows = words.metrics(report)
    head = ("metric", "this version", "baseline", before, "what it is")
    first, *others = [[cell for cell in row if cell is not None] for row in [head, *rows]]
    yield "<h2>Metrics</h2>"
    yield table(first, others, numbers=range(1, len(first) - 1))
    yield (
        '<p class="note">The baseline knows nothing but the target: it answers the most frequent label or the median, '
        "and how frequent labels are.</p>"
    )
    folds = words.folds(report)
    if folds:
        yield f"<h3>Cross-validation: mean and standard deviation</h3>{table(('metric', 'over the folds'), folds)}"


# -- labels ---------------------------------------------------------------------------------------------------


def _labels(figures: Figures) -> Iterator[str]:
    yield "<h2>Labels</h2>"
    rows = [
        (
            one.name,
            f"{one.rows:,}",
            *map(words.percent, (one.precision, one.recall)),
            *map(words.number, (one.f1, one.roc_auc)),
        )
        for one in figures.labels[:LISTED]
    ]
    yield table(("label", "rows", "precision", "recall", "F1", "ROC AUC"), rows, numbers=range(1, 6))
    yield more(len(figures.labels))
    yield (
        '<p class="note">Precision: of the rows answered with this label, the share that has it. Recall: of the rows '
        "that have it, the share that is found.</p>"
    )
    if figures.confusion:
        yield from _confusion(figures.confusion)
    drawn = []
    if figures.roc:
        picture = drawing.curves(figures.roc, "share of others found, too", "share of the label found", "ROC", True)
        drawn.append(figure("ROC", picture + drawing.key(figures.roc, "area"), "The dashed line is chance."))
    if figures.precision_recall:
        lines = figures.precision_recall
        picture = drawing.curves(lines, "recall", "precision", "Precision and recall", False)
        caption = "The share of answers that are right, as more of the label's rows are found."
        drawn.append(figure("Precision and recall", picture + drawing.key(lines, "average precision"), caption))
    if figures.calibration:
        of = f"of {figures.labels[1].name!r}" if len(figures.labels) == 2 else "of the likeliest label"
        picture = drawing.calibration(
            figures.calibration, f"probability {of}", "share of rows where it is true", "Calibration", True
        )
        caption = "On the dashed line, probabilities are right. Larger points have more rows."
        drawn.append(figure("Calibration", picture, caption))
    if drawn:
        yield f'<h2>Probabilities</h2><div class="figures">{"".join(drawn)}</div>'
    else:
        yield '<p class="note">Without probabilities there is no ROC, precision and recall, or calibration.</p>'


def _confusion(found: Confusion) -> Iterator[str]:
    """The matrix, in which a cell is as dark as its share of the row."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in found.labels)
    rows = []
    for name, counts in zip(found.labels, found.counts):
        total = sum(counts) or 1
        cells = "".join(f'<td style="--share: {count / total:.3f}">{count:,}</td>' for count in counts)
        rows.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>')
    top = f"<thead><tr><th>true \\ answered</th>{head}</tr></thead>"
    yield "<h2>Confusion matrix</h2><p>A row for each true label, a column for each answer: how many rows.</p>"
    yield f'<div class="scroll" tabindex="0"><table class="matrix">{top}<tbody>{"".join(rows)}</tbody></table></div>'


# -- numbers --------------------------------------------------------------------------------------------------


def _numbers(figures: Figures, target: str) -> Iterator[str]:
    drawn = []
    if figures.predicted_against_true:
        picture = drawing.density(
            figures.predicted_against_true, f"predicted {target}", f"true {target}", "Predicted against true"
        )
        caption = (
            "Darker squares have more rows. On the dashed line, predictions are right. Extremes are drawn at the ends."
        )
        drawn.append(figure("Predicted against true", picture, caption))
    if figures.residuals:
        picture = drawing.histogram(figures.residuals, "predicted minus true", "rows", "Residuals")
        drawn.append(figure("Residuals", picture, "Right of zero, predictions are too high; left of it, too low."))
    if figures.calibration:
        picture = drawing.calibration(
            figures.calibration, f"mean predicted {target}", f"mean true {target}", "Calibration", False
        )
        caption = "Rows in ten parts by prediction. On the dashed line, predictions are right on average."
        drawn.append(figure("Calibration", picture, caption))
    yield f'<h2>Errors</h2><div class="figures">{"".join(drawn)}</div>'


# -- both -----------------------------------------------------------------------------------------------------


def _importances(found: Importances) -> Iterator[str]:
    unit = words.METRICS.get(found.measure, (found.measure,))[0].lower()
    yield "<h2>Permutation importance</h2>"
    yield (
        f"<p>How much the {text(unit)} grows when the values of a column are shuffled, on {found.rows:,} rows. "
        "Columns with the same information share their importance.</p>"
    )
    most = max((column.mean for column in found.columns), default=0) or 1
    rows = "".join(
        f'<tr><th scope="row">{text(column.column)}</th>'
        f'<td><span class="bar" style="width: {max(0.0, 100 * column.mean / most):.1f}%"></span></td>'
        f'<td class="n">{words.number(column.mean)} &plusmn; {words.number(column.deviation)}</td></tr>'
        for column in found.columns[:LISTED]
    )
    yield f'<div class="scroll" tabindex="0"><table class="bars"><tbody>{rows}</tbody></table></div>'
    yield more(len(found.columns))
    if found.left_out:
        yield f'<p class="note">There was no time for {found.left_out:,} columns; --extras_seconds allows more.</p>'


def _worst(found: List[WorstRow], labels: bool) -> Iterator[str]:
    if not found:
        return
    shown = any(row.target is not None for row in found)
    error = "1 minus the probability of the true label" if labels else "the absolute error"
    head = ["row", "off by"] + ["true", "answered"] * shown + list(found[0].values or {})
    rows = [
        [str(row.row), words.number(row.error)]
        + [_value(value) for value in (row.target, row.prediction)] * shown
        + [_value(value) for value in (row.values or {}).values()]
        for row in found
    ]
    yield "<h2>Worst rows</h2>"
    yield f"<p>Where the model is most off, by {error}. The first row of your data is row 1.</p>"
    yield table(head, rows, numbers=range(2))
    if not found[0].values:
        yield '<p class="note">Training with --report_rows shows what is in them.</p>'


def _columns(report: Report) -> Iterator[str]:
    head = ("column", "kind", "missing", "distinct", "typical values")
    cells = [
        (column.name, column.kind, f"{column.missing:,}", f"{column.distinct:,}", _typical(column))
        for column in report.columns[:LISTED]
    ]
    known = len(head) if report.figures else 2
    yield "<h2>Columns</h2>"
    if report.figures:
        yield "<p>Typical: the 10th, 50th and 90th percentile of the evaluation rows, or the most frequent values.</p>"
    yield table(head[:known], [row[:known] for row in cells], numbers=(2, 3))
    yield more(len(report.columns))


def _typical(column: Column) -> str:
    if column.quantiles:
        return ", ".join(f"{value:g}" for value in column.quantiles)
    return ", ".join(f"{value} ({rows:,})" for value, rows in column.frequent) or "-"


def _value(value: Any) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
