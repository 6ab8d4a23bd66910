"""What a report says in words, for its page and its card alike. Not here: HTML and Markdown."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from ..artifact.compiled import agreement
from ..contract.privacy import DIGITS
from .contents import Report
from .listing import some

#: What a metric is, and whether more of it is better.
METRICS: Dict[str, Tuple[str, str, bool]] = {
    "accuracy": ("Accuracy", "share of rows whose label is right, from 0 to 1", True),
    "balanced_accuracy": ("Balanced accuracy", "mean over the labels of the share that is found, from 0 to 1", True),
    "f1_macro": ("F1", "mean over the labels of precision and recall in one number, from 0 to 1", True),
    "log_loss": ("Log loss", "how improbable the model found the true labels, in nats, from 0 up", False),
    "roc_auc": ("ROC AUC", "how often the right one of two rows has the higher probability; 0.5 is chance", True),
    "mae": ("Mean absolute error", "in the unit of the target", False),
    "rmse": ("Root mean squared error", "in the unit of the target; large errors count more", False),
    "r2": ("R2", "share of the target's variance that is explained; 0 is the mean, 1 is all", True),
    "unseen_labels": (
        "Labels without rows",
        "labels that no evaluation row has, so that the other metrics say nothing about them",
        False,
    ),
}
#: Fewer rows than these tell little.
FEW = 100
#: Labels and columns that are named in a sentence, at most.
SOME = 10
#: The settings that say where to write, and the like, which nobody looks for in a report.
UNTOLD = ("extras_seconds", "report", "report_rows", "allow_useless", "target")


def number(value: Optional[float]) -> str:
    """A number for people, in whatever unit; a dash where there is none."""
    if value is None:
        return "-"
    size = abs(value)
    if value == 0 or isinstance(value, int) or 100 <= size < 1e12:
        return f"{value:,.0f}"
    if size >= 1e12 or size < 0.001:
        return f"{value:.2g}"
    return f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def percent(share: Optional[float]) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def target(report: Report) -> str:
    """The name of the column that is predicted, where the command knew it."""
    return str((report.model.made.settings.get("target") if report.model.made else None) or "the target")


def summary(report: Report) -> str:
    """How well the model does, in a sentence or two."""
    found, figures = report.model.metrics, report.figures
    if figures is None:
        return "This model was not evaluated: there was no data to evaluate it on."
    start = f"On {figures.rows:,} evaluation rows"
    if "accuracy" in found:
        return (
            f"{start} it answers {percent(found['accuracy'])} with the right label. Always answering the most frequent "
            f"label would be right in {percent(found['baseline_accuracy'])}."
        )
    return (
        f"{start} it is off by {number(found.get('mae'))} on average, in the unit of {target(report)}. Always "
        f"answering the median would be off by {number(found.get('baseline_mae'))}."
    )


def remarks(report: Report) -> Iterator[str]:
    """What to keep in mind, a sentence each."""
    figures = report.figures
    if figures and figures.rows < FEW:
        yield f"{figures.rows} rows are few to judge by: with other rows, the metrics would be noticeably different."
    if figures and figures.by_chance:
        yield by_chance(figures.rows)
    labels = figures.labels if figures else []
    unseen = [label.name for label in labels if not label.rows]
    if unseen:
        yield f"No evaluation row has the label {some(unseen, SOME)}: the metrics say nothing about it."
    unanswered = [label.name for label in labels if label.rows and label.precision is None]
    if unanswered:
        yield f"No evaluation row is answered with the label {some(unanswered, SOME)}, though some have it."
    if report.previous and not report.previous.same_rows:
        yield f"Version {report.previous.version} was evaluated on other rows, so compare its metrics only roughly."
    for name in report.keeps_rows:
        yield f"{name} stores rows of the training data: whoever gets the model gets those rows, too."


def by_chance(rows: int) -> str:
    """That an evaluation on so many rows does not show that the model knows anything."""
    return (
        f"The model may be no better than one that knows nothing: on {rows:,} rows, its errors are smaller by less "
        "than two standard errors, which may be chance."
    )


def privacy(report: Report) -> str:
    """What this report does not tell."""
    if report.figures and any(row.values for row in report.figures.worst):
        return (
            "This report shows rows of the data, as --report_rows asked for: give it only to people who may see them."
        )
    return (
        f"This report shows no row of the data, and no text that fewer than {report.min_count} rows share, except for "
        f"labels. Quantiles are rounded to {DIGITS} digits."
    )


def metrics(report: Report) -> List[Tuple[str, str, str, Optional[str], str]]:
    """Each metric: its name, its value, the baseline's, the version before's (None without one), and what it is."""
    found, before = report.model.metrics, report.previous.metrics if report.previous else None
    rows = []
    for name, value in found.items():
        if name.startswith("baseline_"):
            continue
        title, meaning, more = METRICS.get(name, (name, "", True))
        better = "" if name == "unseen_labels" or not meaning else f"; {'more' if more else 'less'} is better"
        beside = number(found.get(f"baseline_{name}"))
        rows.append(
            (title, number(value), beside, None if before is None else number(before.get(name)), meaning + better)
        )
    return rows


def facts(report: Report) -> Iterator[Tuple[str, str]]:
    """What was trained on what, and how: names and what they are."""
    model, made = report.model, report.model.made
    yield "Task", model.task + (f" of {target(report)}" if made and made.settings.get("target") else "")
    yield "Framework", f"{model.platform} {model.versions.get(model.platform, '')}, Python {model.versions['python']}"
    if made:
        yield "Made", made.time.replace("T", " ").replace("Z", " UTC")
    if made and made.data:
        yield "Data", f"{made.data.file or 'not a file'}: {made.data.rows:,} rows, {made.data.columns:,} columns"
    if made and made.data and made.data.sha256:
        yield "SHA-256 of the data", made.data.sha256
    if model.unused:
        yield "Columns left out", some((f"{name} ({why})" for name, why in model.unused.items()), SOME)
    for note in made.notes if made else ():
        yield "Training", note
    if model.threshold is not None and model.labels:
        yield "Threshold", f"the model answers {model.labels[1]} if its probability is {model.threshold:g} or more"
    if model.compiled:
        near = agreement(model.compiled.get("largest_difference", 0.0), bool(model.labels))
        yield "Compiled model (ONNX)", f"gives the same answers, {near}"
    if made and made.commit:
        yield "Commit", made.commit.sha + ("" if made.commit.clean else ", with changes that were not committed")


def choices(report: Report) -> List[Tuple[str, str]]:
    """The hyperparameters and settings that the model was made with, without those that were left empty."""
    made = report.model.made
    if made is None:
        return []
    settings = {name: value for name, value in made.settings.items() if name not in UNTOLD}
    chosen = {**made.hyperparameters, **settings}
    return [(name, str(value)) for name, value in chosen.items() if value not in (None, "")]


def folds(report: Report) -> List[Tuple[str, str]]:
    """Each metric's mean over the folds, and its standard deviation."""
    made = report.model.made
    return [
        (METRICS.get(name, (name,))[0], f"{number(spread.mean)} +- {number(spread.deviation)}")
        for name, spread in ((made.folds or {}) if made else {}).items()
        if not name.startswith("baseline_")
    ]
