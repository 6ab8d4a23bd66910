"""Promises of drift: what drifts by a known amount is measured so, and what training keeps tells of no row."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.artifact import metadata
from _engine.contract.errors import ModelError
from _engine.contract.signature import Signature
from _engine.drift import reference
from _engine.drift.bins import compare, of_numbers, of_texts, psi
from _engine.drift.reference import FILE, Named
from _engine.serving.watch import Watch, gauges
from _engine.training import drifting
from pickled import Pickled

CHANCE = np.random.default_rng(0)
ROWS = 4000
HOSTILE = "<img src=x onerror=alert(1)>"


def table(rows: int = ROWS, shift: float = 0.0, rare: str = "Ann") -> pd.DataFrame:
    """Rows that are alike but for `shift`, of which one has a text of its own."""
    plan = CHANCE.choice(["basic", "pro", "team"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    plan[0] = rare
    return pd.DataFrame(
        {
            "age": CHANCE.normal(40 + 10 * shift, 10, rows),
            "debts": np.where(CHANCE.random(rows) < 0.9, 0.0, CHANCE.integers(1, 4, rows)),
            HOSTILE: plan,
            "member": CHANCE.random(rows) < 0.5,
            "seen": np.where(CHANCE.random(rows) < 0.1, np.nan, CHANCE.random(rows)),
        }
    )


class ByAge(Pickled):
    """Answers by the first column."""

    def fit(self, X: Any, y: np.ndarray) -> None:
        self.model = 40.0

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        older = (X["age"].to_numpy(np.float64) > self.model).astype(int)
        if self.labels is None:
            return X["age"].to_numpy(np.float64)
        return np.eye(2)[older] if proba else np.asarray(self.labels)[older]


def trained(folder: Path, task: str = "classification") -> Path:
    X = table()
    y = np.where(X["age"] > 40, "old", "young") if task == "classification" else X["age"].to_numpy()
    model = ByAge(task=task)
    model.train(X, y)
    model.evaluate(X, y)
    model.save(folder / "0001", extras_seconds=0)
    return folder / "0001"


# -- the index ------------------------------------------------------------------------------------------------


def test_the_index_is_the_one_of_the_books() -> None:
    """Siddiqi's sum, by hand: half and half become a quarter and three quarters."""
    by_hand = -0.25 * math.log(0.5) + 0.25 * math.log(1.5)
    assert psi(np.array([50_000, 50_000]), np.array([25_000, 75_000])) == pytest.approx(by_hand, abs=1e-4)


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0, 3.0])
def test_numbers_that_move_by_a_known_amount_are_measured_so(shift: float) -> None:
    """Rows of a normal distribution, moved by so many standard deviations, beside what its function says."""
    bins = of_numbers(CHANCE.normal(0, 1, 100_000), 10)
    now = bins.count(CHANCE.normal(shift, 1, 100_000))
    ends = [-math.inf, *bins.edges, math.inf]
    e, a = (np.diff([statistics.NormalDist(mean).cdf(end) for end in ends]) for mean in (0.0, shift))
    assert compare("x", bins, now).psi == pytest.approx(float(((a - e) * np.log(a / e)).sum()), rel=0.1)


def test_what_has_not_moved_is_measured_as_chance() -> None:
    bins = of_numbers(CHANCE.normal(0, 1, 1000), 10)
    expected = (len(bins.counts) - 2) * (1 / 1000 + 1 / 1000)
    found = [compare("x", bins, bins.count(CHANCE.normal(0, 1, 1000))).psi for _ in range(200)]
    assert np.mean(found) == pytest.approx(expected, rel=0.5)


def test_missing_and_unseen_values_are_shares_and_move_the_index() -> None:
    texts = ["a"] * 60 + ["b"] * 30 + [f"rare {n}" for n in range(10)]
    bins = of_texts(texts, 10)
    assert bins
    found = compare("x", bins, bins.count(np.array(["a", "new", None, None], object)))
    assert (found.missing, found.missing_in_training, found.unseen, found.unseen_in_training) == (0.5, 0.0, 0.25, 0.1)
    assert found.psi > 1
    numbers = of_numbers(np.arange(100.0), 10)
    found = compare("x", numbers, numbers.count(np.array([1.0, np.nan])))
    assert (found.missing, found.unseen) == (0.5, None)


# -- what training keeps --------------------------------------------------------------------------------------


def test_what_is_kept_tells_of_no_row() -> None:
    """Each bin has --min_count rows, no rare text is named, and an edge is rounded, or a number that many share."""
    X = table(rare="Ann")
    kept = reference.learn(Signature.learn(X), X, 10)
    assert kept.columns[HOSTILE].texts == ("basic", "pro", "team")
    for name in ("age", "debts", "member", "seen"):
        bins = kept.columns[name]
        assert min(bins.counts[:-1]) >= 10, name
        for edge in bins.edges:
            assert (X[name] == edge).sum() == 0 or (X[name] == edge).sum() >= 10, name
    assert kept.columns["debts"].edges[0] == 0.0
    few = reference.learn(Signature.learn(X), X, len(X))
    assert all(not bins.edges for bins in few.columns.values())
    assert HOSTILE not in few.columns


@pytest.mark.parametrize("values", [[5.0] * 50, [np.nan] * 50, [0.0, 1e-300] * 30, [1e300, -1e300] * 30, [1.0]])
def test_any_column_has_bins_that_count_it(values: list[float]) -> None:
    bins = of_numbers(np.array(values), 10)
    assert sum(bins.counts) == len(values)
    assert compare("x", bins, bins.count(np.array(values))).psi == 0


def test_training_writes_it_and_a_model_without_it_loads(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    loaded = ByAge(dirpath=folder)
    assert loaded.reference and loaded.reference.predictions
    assert loaded.reference.predictions.texts == ("old", "young")
    ByAge(dirpath=folder).save(tmp_path / "0002", extras_seconds=0)
    assert ByAge(dirpath=tmp_path / "0002").reference == loaded.reference
    found = json.loads((folder / metadata.FILE).read_text())
    del found["files"][FILE]
    (folder / metadata.FILE).write_text(json.dumps(found))
    metadata.seal(folder)
    (folder / FILE).unlink()
    assert ByAge(dirpath=folder).reference is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"columns": {"age": {"counts": [1], "edges": [2.0]}}}'])
def test_what_is_no_reference_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match=FILE):
        reference.read(content)


# -- counting what is asked -----------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def numbers(rows: int) -> np.ndarray:
    return CHANCE.normal(size=(rows, 2))


def test_rows_count_alike_in_whatever_form_they_come() -> None:
    X = numbers(500)
    signature = Signature.learn(X)
    kept = reference.Reference(reference.learn(signature, X, 10).columns, of_numbers(X[:, 0], 10))
    asked = numbers(9000) + 1
    forms: list[Any] = [[asked], np.split(asked, 9), [asked[at : at + 1] for at in range(len(asked))]]
    found = []
    for parts in forms:
        watch = Watch(signature, kept)
        for part in parts:
            watch.note(part, part[:, 0])
        found.append(watch.figures())
    assert found[0].rows == 9000
    assert found[0].columns[0].psi > 0.25
    assert found[0] == found[1] == found[2]


def test_tables_with_text_count_each_column() -> None:
    X = table()
    signature = Signature.learn(X)
    watch = Watch(signature, reference.learn(signature, X, 10))
    asked: Any = signature.conform(table(shift=2).assign(**{HOSTILE: "gone"}))
    watch.note(asked.iloc[:100], np.zeros(100))
    watch.note(asked.iloc[100:], np.zeros(ROWS - 100))
    found = {one.name: one for one in watch.figures().columns}
    assert found["age"].psi > 0.25 > 0.1 > found["debts"].psi
    assert found[HOSTILE].unseen == 1
    assert found["seen"].missing == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_labels_and_their_probabilities_count_alike(threshold: float | None) -> None:
    """Also where post_func gives labels other names."""
    X = numbers(100)
    signature = Signature.learn(X)
    labels = np.array(["no", "yes"])
    kept = reference.Reference({}, reference.of_predictions(np.repeat(labels, 50), labels, 10))
    found = []
    for values in (np.repeat(["NO", "YES"], [10, 90]), np.repeat([[0.9, 0.1], [0.2, 0.8]], [10, 90], axis=0)):
        watch = Watch(signature, kept, Named(labels, ["NO", "YES"], threshold))
        watch.note(X, values)
        found.append(watch.figures().predictions)
    assert found[0] == found[1]
    assert found[0] and found[0].psi > 0.25
    unknown = Watch(signature, kept, Named(labels, None, threshold))
    unknown.note(X, np.repeat(["a", "b"], 50))
    assert unknown.figures().predictions is None


def test_a_day_is_looked_at() -> None:
    X = numbers(500)
    signature, clock = Signature.learn(X), Clock()
    watch = Watch(signature, reference.learn(signature, X, 10), clock=clock)
    for _ in range(30):
        watch.note(X[:10], X[:10, 0])
        watch.count()
        clock.seconds += 3600
    assert watch.figures().rows == 230  # 23 whole hours, and the one that has just begun
    clock.seconds += 24 * 3600
    assert watch.figures() == (0, [], None)


def test_counting_leaves_the_processor_to_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that has counted for a second rests for nineteen; what waits is counted all the same."""
    X, clock = numbers(2500), Clock()
    signature = Signature.learn(X)
    watch = Watch(signature, reference.learn(signature, X, 10), clock=clock)
    counted: list[float] = []

    def call(count: Any) -> None:
        counted.append(clock.seconds)
        count()

    def slowly(counts: Any) -> None:
        add(counts)
        clock.seconds += 1

    add = watch._add
    monkeypatch.setattr(watch._worker, "call", call)
    monkeypatch.setattr(watch, "_add", slowly)
    begin = clock.seconds
    for _ in range(50):
        watch.note(X, X[:, 0])
        clock.seconds += 1
    assert [at - begin for at in counted] == [1, 21, 41]
    assert watch.figures().rows == 50 * len(X)


def test_little_is_kept_while_counting_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large requests no more than the rows: a part of one would keep all of it."""
    X = numbers(1000)
    signature = Signature.learn(X)
    watch = Watch(signature, reference.learn(signature, X, 10))
    monkeypatch.setattr(watch._worker, "call", lambda call: None)
    for _ in range(1000):
        watch.note(X[:500], X[:500, 0])
    assert sum(len(kept) for kept, _ in watch._waiting) < 70_000
    assert all(kept.base is None for kept, _ in watch._waiting)
    assert 60_000 < watch.figures().rows < 70_000


@pytest.mark.parametrize("besides", [0, 500_000])
def test_rows_are_kept_as_they_came_unless_more_would_stay_in_memory(besides: int) -> None:
    """Such as the numbers of a binary body, which lie in its bytes."""
    X = numbers(1000)
    signature = Signature.learn(X)
    watch = Watch(signature, reference.learn(signature, X, 10))
    body = memoryview(b"head" + X.tobytes() + bytes(besides))
    sent = np.frombuffer(body[4:][: X.nbytes]).reshape(X.shape)
    watch.note(sent, X[:, 0])
    ((kept, _),) = watch._waiting
    assert np.shares_memory(kept, sent) == (not besides)
    assert watch.figures().rows == len(X)


def test_answers_that_cannot_be_counted_are_said_once_and_cost_no_metrics(caplog: pytest.LogCaptureFixture) -> None:
    """Numbers in training, and texts by a post_func of today."""
    X = numbers(100)
    signature = Signature.learn(X)
    columns = reference.learn(signature, X, 10).columns
    watch = Watch(signature, reference.Reference(columns, of_numbers(X[:, 0], 10)))
    for _ in range(3):
        watch.note(X, np.array(["many"] * 100))
        assert watch.figures().predictions is None
    assert len(caplog.records) == 1


def test_a_model_without_a_reference_says_that_it_is_not_watched() -> None:
    assert [(gauge.name, gauge.values) for gauge in gauges(None)] == [("inference_drift_watched", {"": 0.0})]


# -- the command ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_compared(task: str, ending: str, tmp_path: Path, capsys: Any) -> None:
    """What moved is said first, with the predictions that moved along; the page shows names as they are."""
    folder, file, page = trained(tmp_path, task), tmp_path / f"today.{ending}", tmp_path / "page.html"
    frame = table(shift=1).assign(other=1)
    frame.to_csv(file, index=False) if ending == "csv" else frame.to_parquet(file)
    drifting.run(ByAge, [str(folder), str(file), "--page", str(page)])
    printed = capsys.readouterr().out.splitlines()
    assert {printed[1].split()[0], printed[2].split()[0]} == {"age", "predictions"}
    assert all("as in training" in line for line in printed[3:-1])
    assert "moved far" in page.read_text()
    assert HOSTILE not in page.read_text()


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table(1).assign(age="x"), "does not fit the model: could not convert"),
        (table(1).assign(member="x"), "expected true or false"),
        (table(1)[["age"]], "columns missing"),
        (table(9)[:0], "no rows"),
        (None, "No such file"),
    ],
    ids=["no number", "no truth", "few columns", "no rows", "no file"],
)
def test_what_cannot_be_compared_is_a_sentence(frame: pd.DataFrame | None, said: str, tmp_path: Path) -> None:
    folder, file = trained(tmp_path), tmp_path / "today.csv"
    if frame is not None:
        frame.to_csv(file, index=False)
    with pytest.raises(SystemExit, match=said):
        drifting.run(ByAge, [str(folder), str(file), "--page", str(tmp_path / "page.html")])
