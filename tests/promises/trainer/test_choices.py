"""Promises of what is chosen for a training: which rows stay together, how labels count, and what is not saved."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any, Tuple

import numpy as np
import pandas as pd
import pytest

from ...trainer import model as module
from ...trainer._core import Model, ModelError
from ...trainer.model import MyModel
from .trained import train

Table = Tuple[pd.DataFrame, pd.Series]


@pytest.fixture
def data(tmp_path: Path, table: Table) -> tuple[object, ...]:
    """Options of a training on the table, with a column of groups and one of times."""
    X, y = table
    days = pd.date_range("2024-01-01", periods=len(X)).strftime("%Y-%m-%d")
    shops = [f"s{row % 12}" for row in range(len(X))]
    X.assign(shop=shops, day=days, outcome=y).to_csv(tmp_path / "data.csv", index=False)
    return "--data", tmp_path / "data.csv", "--target", "outcome", "--output_dir", tmp_path / "runs"


def versions(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "runs").glob("*"))


def test_a_table_is_inspected_alone_or_before_training(tmp_path: Path, data: tuple[object, ...]) -> None:
    alone = train(*data, "--inspect")
    assert alone.returncode == 0, alone.stderr
    assert "Target 'outcome': classification" in alone.stdout
    assert versions(tmp_path) == []
    assert train(*data, "--allow_useless").stdout.startswith(alone.stdout)


@pytest.mark.parametrize("way", [(), ("--group", "shop"), ("--time", "day")], ids=["chance", "group", "time"])
def test_rows_are_split_as_was_chosen_and_it_is_noted(
    tmp_path: Path, data: tuple[object, ...], way: tuple[str, ...]
) -> None:
    run = train(*data, *way, "--folds", 2, "--split_seed", 3, "--allow_useless")
    assert run.returncode == 0, run.stderr
    assert "Cross-validation: 2 folds of 9" in run.stdout
    assert " +- " in run.stdout
    made = json.loads((tmp_path / "runs" / "0001" / "metadata.json").read_text())["made"]
    chosen = {"group": None, "time": None, **dict([(way[0][2:], way[1])] if way else [])}
    assert {name: made["settings"][name] for name in chosen} == chosen
    assert (made["settings"]["folds"], made["settings"]["split_seed"], made["settings"]["eval_share"]) == (2, 3, 0.2)
    assert set(made["folds"]["accuracy"]) == {"mean", "deviation"}
    names = MyModel(dirpath=tmp_path / "runs" / "0001").signature.names
    assert len(names) == 6 - len(way) // 2 and not set(way) & set(names)


def test_labels_of_few_rows_are_trained_on_and_said_to_be_unseen(tmp_path: Path, data: tuple[object, ...]) -> None:
    table = pd.read_csv(tmp_path / "data.csv")
    table.loc[17, "outcome"] = "perhaps"
    table.to_csv(tmp_path / "data.csv", index=False)
    run = train(*data, "--allow_useless")
    assert run.returncode == 0, run.stderr
    assert "No row has the label 'perhaps': the metrics say nothing about them." in run.stdout
    model = MyModel(dirpath=tmp_path / "runs" / "0001")
    assert model.labels is not None and model.labels.tolist() == ["leaves", "perhaps", "stays"]
    assert model.metrics["unseen_labels"] == 1
    assert "log_loss" in model.metrics


class Mistaken(MyModel):
    """Answers the opposite of what it has learnt."""

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        scores = super().infer(X, True)[:, ::-1]
        assert self.labels is not None
        return scores if proba else self.labels[scores.argmax(axis=1)]


def test_a_useless_model_is_saved_only_if_allowed(
    tmp_path: Path, data: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MyModel", Mistaken)
    run = train(*data)
    assert run.returncode == 1
    assert "the model is no better than one that knows nothing, and is not saved: accuracy " in run.stderr
    assert run.stderr.count("\n") == 1
    assert versions(tmp_path) == []
    run = train(*data, "--allow_useless")
    assert run.returncode == 0, run.stderr
    assert "The model is no better than one that knows nothing: accuracy " in run.stdout
    assert versions(tmp_path) == ["0001"]


def test_a_threshold_decides_alike_wherever_the_model_answers(tmp_path: Path, table: Table) -> None:
    """Trained, explained, saved, loaded, compiled, saved again; probabilities stay as they are."""
    X = table[0].drop(columns="plan").fillna(40.0)
    model = MyModel()
    model.train(X, table[1])
    proba = model.predict(X, proba=True)
    threshold = float(np.unique(proba[:, 1].round(4))[:2].mean())  # the compiled model's are within 1e-5
    model.set_threshold(threshold)
    expected = np.where(proba[:, 1] >= threshold, "stays", "leaves")
    assert (expected != np.where(proba[:, 1] >= 0.5, "stays", "leaves")).any()
    model.evaluate(X, table[1])
    model.save(tmp_path / "0001", extras_seconds=300)
    MyModel(dirpath=tmp_path / "0001").save(tmp_path / "0002")
    loaded = [MyModel(dirpath=tmp_path / "0001"), MyModel(dirpath=tmp_path / "0002", runtime="auto")]
    for each in (model, *loaded):
        assert each.threshold == threshold
        np.testing.assert_array_equal(each.predict(X), expected)
        np.testing.assert_allclose(each.predict(X, proba=True), proba, atol=1e-5)
    if MyModel.contributions is not Model.contributions:
        explained = model.explain(model.signature.conform(X))
        assert [item["prediction"] for item in explained] == expected.tolist()


def test_a_threshold_of_a_loaded_model_can_be_changed(model_dir: Path, tmp_path: Path, table: Table) -> None:
    model = MyModel(dirpath=model_dir, runtime="auto")
    assert model.threshold == 0.7
    model.set_threshold(0.999999)
    X = model.signature.conform(table[0])
    if MyModel.contributions is not Model.contributions:
        assert [item["prediction"] for item in model.explain(X)] == model.predict(table[0]).tolist()
    model.save(tmp_path / "0001")
    assert MyModel(dirpath=tmp_path / "0001").threshold == 0.999999
    model.train(*table)
    assert model.threshold is None


def test_a_threshold_needs_two_labels(table: Table) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        MyModel().set_threshold(0.5)
    model = MyModel(task="regression")
    model.train(table[0], table[0]["monthly spend"])
    with pytest.raises(ValueError, match="probabilities of two labels"):
        model.set_threshold(0.5)


def test_labels_count_alike_or_it_is_said_that_they_cannot(tmp_path: Path) -> None:
    """Of a label that few rows have, more are found when it counts as the others do."""
    chance = np.random.default_rng(0)
    X = pd.DataFrame({"a": chance.normal(size=1000), "b": chance.normal(size=1000)})
    X["y"] = np.where(X["a"] + chance.normal(size=1000) > 2, "rare", "usual")
    X.to_csv(tmp_path / "data.csv", index=False)
    arguments = ("--data", tmp_path / "data.csv", "--target", "y", "--output_dir", tmp_path / "runs")
    run = train(*arguments, "--class_weight", "balanced", "--allow_useless")
    if "weights" not in inspect.signature(MyModel.fit).parameters:
        assert run.returncode == 1
        assert f"labels are not balanced with {MyModel.FRAMEWORK}, as `fit`" in run.stderr
        assert run.stderr.count("\n") == 1
        return
    assert run.returncode == 0, run.stderr
    assert train(*arguments, "--allow_useless").returncode == 0
    balanced, plain = (MyModel(dirpath=tmp_path / "runs" / version) for version in ("0001", "0002"))
    assert (balanced.predict(X) == "rare").sum() > (plain.predict(X) == "rare").sum()


def test_what_training_decided_is_printed_and_stands_in_the_report(tmp_path: Path, data: tuple[object, ...]) -> None:
    """How much of a training that stopped early is kept, or which estimator was chosen by which scores."""
    run = train(*data, "--allow_useless", "--extras_seconds", 300)
    assert run.returncode == 0, run.stderr
    model = MyModel(dirpath=tmp_path / "runs" / "0001")
    assert model.made
    if "valid" in inspect.signature(MyModel.fit).parameters:
        (note,) = model.made.notes
        found = re.fullmatch(r"(\d+) of at most (\d+) (?:rounds|trees|passes) are kept: .* on all \d+ rows .*", note)
        assert found
        kept, most = map(int, found.groups())
        assert 0 < kept <= most
    for note in model.made.notes:
        assert f"\n  {note}\n" in run.stdout
        for file in ("report.html", "MODEL_CARD.md"):
            assert note.partition(":")[0] in (tmp_path / "runs" / "0001" / file).read_text()


def test_a_search_that_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, data: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is nothing to search, and where optuna, which is an extra, is missing."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    run = train(*data, "--tune", 3)
    assert run.returncode == 1
    reason = "--tune needs optuna" if MyModel.SEARCH else f"hyperparameters of {MyModel.FRAMEWORK} are not searched"
    assert reason in run.stderr
    assert run.stderr.count("\n") == 1
    assert versions(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--group", "shop", "--time", "day"), "--group and --time exclude each other"),
        (("--group", "shops"), "--group: no column is called 'shops' here"),
        (("--time", "plan"), "--time: column 'plan' has no time in 120 rows (row 1, 2, 3, 4, 5;"),
        (("--folds", 1), "--folds: "),
        (("--folds", 500), "--folds 500 needs 500"),
        (("--threshold", 1), "--threshold: "),
        (("--threshold", 0.5, "--target", "monthly spend"), "--threshold needs a target with two labels"),
        (("--target", "day"), "column 'day' has labels that no other row has in 120 of 120 rows"),
        (("--target", "monthly spend", "--class_weight", "balanced"), "only labels can be balanced"),
    ],
)
def test_what_cannot_be_chosen_is_said_in_a_line(
    tmp_path: Path, data: tuple[object, ...], arguments: tuple[object, ...], complaint: str
) -> None:
    if "--target" in arguments:
        data = (*data[:2], *data[4:])
    run = train(*data, *arguments)
    assert run.returncode in (1, 2)
    assert complaint in run.stderr
    assert run.stderr.count("\n") == 1
    assert versions(tmp_path) == []
