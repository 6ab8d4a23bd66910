"""Promises of a version's report: it is there for every kind of model, it says what is so, and it costs no model."""

from __future__ import annotations

import contextlib
import html.parser
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.artifact import metadata, reports
from _engine.contract.signature import Column, Signature
from _engine.reporting import figures, importance, page
from _engine.reporting.contents import Evaluation
from _engine.reporting.storing import keeps_rows
from _engine.training import saving
from pickled import Pickled
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

CHANCE = np.random.default_rng(0)
ROWS = 200
HOSTILE = "</script><img src=x onerror=alert(1)>|`$body` \u202e"
FILES = {"drift.json", "input.json", "metadata.json", "metadata.sha256", "model.pkl"}
X = pd.DataFrame(
    {
        "large": CHANCE.normal(size=ROWS),
        "noise": CHANCE.normal(size=ROWS),
        HOSTILE: CHANCE.choice(["basic", "<b>pro</b>"], ROWS),
        "member": CHANCE.random(ROWS) < 0.5,
    }
)
X.loc[::9, "noise"] = np.nan
NUMBER = 3000 + 1000 * X["large"].to_numpy() + CHANCE.normal(size=ROWS)


class Simple(Pickled):
    """Answers by the first column alone, in as many steps as there are labels."""

    IMPORTS = ("*.py",)

    def fit(self, X: Any, y: np.ndarray) -> None:
        self.model = {"low": float(np.min(y)), "high": float(np.max(y))} if self.labels is None else {}

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        values = np.asarray(X, dtype=object).reshape(len(X), -1)[:, 0].astype(float)
        if self.labels is None:
            return np.asarray(3000 + 1000 * values)
        steps = np.linspace(-1, 1, len(self.labels))
        scores = np.exp(-4 * (values[:, None] - steps) ** 2)
        return scores / scores.sum(axis=1, keepdims=True) if proba else self.labels[scores.argmax(axis=1)]

    def open_weights(self, path: Path) -> None:
        pass

    def read_signature(self, X: Any = None) -> Signature:
        self.task = "regression"
        return Signature((Column("large", "FP64"),))


class Certain(Simple):
    """Gives no probabilities."""

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        if proba:
            raise NotImplementedError
        return super().infer(X, proba)


def labels(names: list[str]) -> np.ndarray:
    edges = np.linspace(-1, 1, len(names) + 1)[1:-1]
    return np.array(names)[np.digitize(X["large"], edges)]


def evaluated(kind: str) -> Simple:
    """A model of a kind, evaluated on rows, where there can be any."""
    if kind == "imported":
        model = Simple(task="regression")
        model.import_model(__file__, trust=True)
        return model
    if kind == "regression":
        model = Simple(task="regression")
        model.train(X, NUMBER)
        model.evaluate(X, NUMBER)
        return model
    names = {"two labels": 2, "thirty labels": 30}.get(kind, 5)
    y = labels(["</style><script>alert(2)</script>\n# ${x}", *(f"label {n:02}" for n in range(1, names))])
    model = (Certain if kind == "no probabilities" else Simple)()
    rows = X["large"].to_numpy()[:, None, None] * np.ones((1, 2, 3)) if kind == "tensors" else X
    model.train(rows, y)
    if kind == "one row":
        model.evaluate(rows[:1], y[:1])
    else:
        model.evaluate(rows, y)
    return model


KINDS = (
    "two labels",
    "five labels",
    "thirty labels",
    "no probabilities",
    "regression",
    "tensors",
    "imported",
    "one row",
)


class Page(html.parser.HTMLParser):
    """Which tags a page has, whether each is closed, and what else it would load."""

    EMPTY = ("meta", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href") and value != "data:,"]
        self.loaded += [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("knows", [True, False])
def test_a_report_says_what_may_be_chance(tmp_path: Path, knows: bool) -> None:
    model = Simple(task="regression")
    model.train(X, NUMBER)
    model.evaluate(X[:12], NUMBER[:12] if knows else NUMBER[-12:])
    model.save(tmp_path / "0001")
    for name in ("report.html", "MODEL_CARD.md"):
        said = "may be no better than one that knows nothing: on 12 rows" in (tmp_path / "0001" / name).read_text()
        assert said is not knows


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_a_report(tmp_path: Path, kind: str) -> None:
    model = evaluated(kind)
    model.save(tmp_path / "0001")
    assert model.report_note == "Report: report.html"
    no_data = {"drift.json"} if kind == "imported" else set()
    assert {path.name for path in (tmp_path / "0001").iterdir()} == {*FILES, *reports.FILES} - no_data
    assert set(reports.FILES) < set(metadata.read(tmp_path / "0001").files)
    text = (tmp_path / "0001" / "report.html").read_text(encoding="utf-8")
    found = Page(text)
    assert found.loaded == []
    assert found.tags & {"script", "img", "b"} == set()
    assert "nan" not in text.replace("nance", "")
    numbers = json.loads((tmp_path / "0001" / "report.json").read_bytes())
    assert (numbers["figures"] is None) == (kind == "imported")
    assert numbers["version"] == "0001"
    start, front, body = (tmp_path / "0001" / "MODEL_CARD.md").read_text(encoding="utf-8").split("---\n", 2)
    assert start == ""
    for line in front.splitlines():
        json.loads(line.partition(": ")[2])
    assert "<" not in body.replace("\\<", "")


def test_a_report_says_what_is_left_out_and_which_labels_are_never_answered(tmp_path: Path) -> None:
    y = np.where(
        np.arange(ROWS) < 3, "rare", labels(["label 0", "label 1"])
    )  # the last of three steps is never reached
    model = Simple()
    model.train(X, y, Signature.learn(X[["noise", "large"]].clip(-0.2, 0.2), unused={"customer": "it names the rows"}))
    model.evaluate(X[["noise", "large"]].clip(-0.2, 0.2).fillna(0), y)
    model.save(tmp_path / "0001")
    for name in ("report.html", "MODEL_CARD.md"):
        text = (tmp_path / "0001" / name).read_text(encoding="utf-8")
        assert "customer (it names the rows)" in text
        assert "No evaluation row is answered with the label label 0, rare, though some have it." in text


def test_figures_are_those_of_the_evaluation() -> None:
    y = np.array(["a"] * 6 + ["b"] * 4)
    y_hat = np.array(["a"] * 5 + ["b"] + ["b"] * 3 + ["a"])
    proba = np.where(y_hat == "b", 0.9, 0.2)
    rows = Evaluation(
        np.zeros((10, 1)), y, y_hat, np.column_stack([1 - proba, proba]), np.array(["a", "b"]), np.arange(10) + 7
    )
    found = figures.compute(rows, Signature((Column("x", "FP64"),)), False)
    assert found.confusion and found.confusion.counts == [[5, 1], [1, 3]]
    assert [(label.rows, label.precision, label.recall) for label in found.labels] == [
        (6, 5 / 6, 5 / 6),
        (4, 0.75, 0.75),
    ]
    assert [(bin.predicted, bin.observed, bin.rows) for bin in found.calibration] == [
        pytest.approx((0.2, 1 / 6, 6)),
        pytest.approx((0.9, 0.75, 4)),
    ]
    assert [(row.row, row.target, row.prediction, row.values) for row in found.worst] == [
        (12, "a", "b", None),
        (16, "b", "a", None),
    ]
    # Of the 24 pairs of both labels, 15 are in order, and 8 are tied.
    assert found.roc[0].area == pytest.approx((15 + 8 / 2) / 24)


def test_importance_is_that_of_the_column_that_decides() -> None:
    model = evaluated("regression")
    assert model.evaluation
    found = importance.measure(model.evaluation, model.signature.names, model.in_data_terms, 60)
    assert (found.columns[0].column, found.left_out, found.measure) == ("large", 0, "rmse")
    assert found.columns[0].mean > 500
    assert [(column.mean, column.deviation) for column in found.columns[1:]] == [(0, 0)] * 3
    late = importance.measure(model.evaluation, model.signature.names, model.in_data_terms, 0)
    assert (late.columns, late.left_out) == ([], 4)


def test_a_version_stands_beside_the_one_before(tmp_path: Path) -> None:
    for name in ("0001", "0002"):
        model = evaluated("regression")
        model.save(tmp_path / name)
    numbers = json.loads((tmp_path / "0002" / "report.json").read_bytes())
    assert numbers["previous"]["version"] == "0001"
    assert numbers["previous"]["metrics"]["mae"] == model.metrics["mae"]
    assert ">version 0001</th>" in (tmp_path / "0002" / "report.html").read_text(encoding="utf-8")


def test_rows_are_shown_only_if_asked_for(tmp_path: Path) -> None:
    model = evaluated("regression")
    for name, shown in (("0001", False), ("0002", True)):
        model.save(tmp_path / name, report_rows=shown)
        worst = json.loads((tmp_path / name / "report.json").read_bytes())["figures"]["worst"]
        assert len(worst) == 10
        assert all((row["values"] is not None) == shown == (row["target"] is not None) for row in worst)
    assert list(worst[0]["values"]) == list(X)


def test_a_report_that_fails_costs_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = evaluated("two labels")

    def fail(report: Any) -> str:
        raise OSError("No space left on device")

    monkeypatch.setattr(page, "write", fail)
    model.save(tmp_path / "0001")
    assert model.report_note == "No report: No space left on device."
    assert {path.name for path in (tmp_path / "0001").iterdir()} == FILES


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_report_that_hangs_costs_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool) -> None:
    """As where `post_func` waits for something that never comes: it ends with its time, or with Ctrl-C before that."""
    model, freed = evaluated("two labels"), threading.Event()

    def hang(*_: Any) -> str:
        if interrupted:
            os.kill(os.getpid(), signal.SIGINT)
        freed.wait()
        return ""

    monkeypatch.setattr(page, "write", hang)
    monkeypatch.setattr(saving, "LEAST", 60.0 if interrupted else 1.0)
    try:
        with pytest.raises(KeyboardInterrupt) if interrupted else contextlib.nullcontext():
            model.save(tmp_path / "0001", extras_seconds=0.4)
    finally:
        freed.set()
    assert model.report_note == f"No report: it {'was interrupted' if interrupted else 'took longer than 1 seconds'}."
    assert {path.name for path in (tmp_path / "0001").iterdir()} == FILES
    Simple(dirpath=tmp_path / "0001")


def test_ctrl_c_leaves_a_whole_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = evaluated("two labels")

    def interrupt(report: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "0001")
    assert model.report_note == "No report: it was interrupted."
    assert {path.name for path in (tmp_path / "0001").iterdir()} == FILES
    Simple(dirpath=tmp_path / "0001")


@pytest.mark.parametrize("options", [{"extras_seconds": 0}, {"report": False}])
def test_no_report_is_made_where_none_is_wanted(tmp_path: Path, options: dict[str, Any]) -> None:
    model = evaluated("two labels")
    model.save(tmp_path / "0001", **options)
    assert model.report_note.startswith("No report: ")
    assert {path.name for path in (tmp_path / "0001").iterdir()} == FILES


def test_a_loaded_model_is_saved_with_its_report_and_served_without(tmp_path: Path) -> None:
    evaluated("two labels").save(tmp_path / "0001")
    model = Simple(dirpath=tmp_path / "0001")
    model.save(tmp_path / "copy")
    assert model.report_note == "Report: report.html was copied"
    for name in reports.FILES:
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "0001" / name).read_bytes()
        (tmp_path / "copy" / name).unlink()
    Simple(dirpath=tmp_path / "copy")


def test_a_report_of_another_evaluation_is_not_copied(tmp_path: Path) -> None:
    evaluated("five labels").save(tmp_path / "0001")
    model = Simple(dirpath=tmp_path / "0001")
    model.evaluate(X[:50], labels(["x", *(f"label {n:02}" for n in range(1, 5))])[:50])
    model.save(tmp_path / "0002")
    assert json.loads((tmp_path / "0002" / "report.json").read_bytes())["figures"]["rows"] == 50
    model.save(tmp_path / "0003", report=False)
    assert {path.name for path in (tmp_path / "0003").iterdir()} == FILES


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (KNeighborsClassifier(), ["KNeighborsClassifier"]),
        (make_pipeline(StandardScaler(), SVC()), ["SVC"]),
        (BaggingClassifier(SVC(), n_estimators=2), ["SVC"]),
        (RandomForestClassifier(n_estimators=2), []),
    ],
    ids=["neighbours", "pipeline", "ensemble", "forest"],
)
def test_algorithms_that_keep_rows_are_named(estimator: Any, names: list[str]) -> None:
    assert keeps_rows(estimator.fit(X[["large"]], labels(["a", "b"]))) == names


def test_what_few_rows_share_is_in_no_file(tmp_path: Path) -> None:
    """Names, dates and rare texts, nine rows of each at most; and numbers that name somebody."""
    texts = [f"planted{row // 9}x@example.com" for row in range(ROWS)]
    table = X.assign(
        mail=texts,
        born=[f"19{row // 9:02}-01-02" for row in range(ROWS)],
        number=9_000_000_001.0 + 1_234_567 * np.arange(ROWS),
        town=["Lisboa"] * 150 + ["planted"] * 9 + ["Porto"] * 41,
    )
    model = Simple()
    model.train(table, labels(["a", "b"]))
    model.evaluate(table, labels(["a", "b"]))
    model.save(tmp_path / "0001")
    rare = [*texts, "planted", *(f"19{n:02}-01-02" for n in range(23)), *(f"{n:.0f}" for n in table["number"])]
    for path in (tmp_path / "0001").iterdir():
        content = path.read_text(encoding="utf-8", errors="replace")
        assert [text for text in rare if text in content] == [], path.name
    assert "Lisboa" in (tmp_path / "0001" / "input.json").read_text()
    assert "Lisboa (150)" in (tmp_path / "0001" / "report.html").read_text(encoding="utf-8")


def test_a_row_of_a_rare_label_is_not_the_example(tmp_path: Path) -> None:
    y = np.where(np.arange(ROWS) < 3, "a", "b")
    model = Simple(task="classification")
    pictures = CHANCE.normal(size=(ROWS, 2, 3))
    model.train(pictures, y)
    np.testing.assert_allclose(model.example, np.median(pictures, axis=0, keepdims=True))
    alone = Simple(task="classification")
    alone.train(pictures[:3], np.array(["a", "b", "b"]))
    assert not alone.example.any()
