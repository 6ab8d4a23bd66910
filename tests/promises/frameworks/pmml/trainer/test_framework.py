"""Promises of the PMML model, beside those of every framework."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Tuple

import jpype
import numpy as np
import pandas as pd
import pytest

from ...trainer._core import ModelError, Unanswerable
from ...trainer.categories import learn_categories
from ...trainer.model import MyModel
from ...trainer.preprocessor import MAX_CATEGORIES, encode
from .trained import train

Table = Tuple[pd.DataFrame, pd.Series]

#: A decision tree of somebody else's, in an older version of PMML.
TREE = """<PMML xmlns="http://www.dmg.org/PMML-4_2" version="4.2"><Header/>
<DataDictionary>
  <DataField name="rooms" optype="continuous" dataType="integer"/>
  <DataField name="new" optype="categorical" dataType="boolean"/>
  <DataField name="town" optype="categorical" dataType="string"><Value value="Ulm"/><Value value="Bern"/></DataField>
  <DataField name="rent" optype="categorical" dataType="string"><Value value="low"/><Value value="high"/></DataField>
</DataDictionary>
<TreeModel functionName="classification" missingValueStrategy="defaultChild">
  <MiningSchema>
    <MiningField name="rooms" missingValueReplacement="2"/><MiningField name="new"/><MiningField name="town"/>
    <MiningField name="rent" usageType="target"/>
  </MiningSchema>
  <Output>
    <OutputField name="p_high" optype="continuous" dataType="double" feature="probability" value="high"/>
    <OutputField name="p_low" optype="continuous" dataType="double" feature="probability" value="low"/>
  </Output>
  <Node id="0"><SimplePredicate field="town" operator="isNotMissing"/>
    <Node id="1" score="low"><SimplePredicate field="rooms" operator="lessThan" value="3"/>
      <ScoreDistribution value="low" recordCount="3"/><ScoreDistribution value="high" recordCount="1"/></Node>
    <Node id="2" score="high"><SimplePredicate field="new" operator="equal" value="true"/>
      <ScoreDistribution value="low" recordCount="1"/><ScoreDistribution value="high" recordCount="9"/></Node>
    <Node id="3" score="low"><True/>
      <ScoreDistribution value="low" recordCount="4"/><ScoreDistribution value="high" recordCount="1"/></Node>
  </Node>
</TreeModel></PMML>"""
HOMES = pd.DataFrame({"rooms": [1, 4, 5], "new": [True, True, False], "town": ["Ulm", "Bern", "Ulm"]})
DATA = HOMES.assign(rent=["low", "high", "low"])


def import_model(file: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Import a file by the training command, into runs/0001 beside it."""
    return train("--pmml", file, "--output_dir", file.parent / "runs", *arguments)


def import_tree(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Import the tree with its data."""
    (folder / "tree.pmml").write_text(TREE)
    DATA.to_csv(folder / "data.csv", index=False)
    return import_model(folder / "tree.pmml", "--data", folder / "data.csv", "--target", "rent", *arguments)


@pytest.fixture
def homes(tmp_path: Path) -> MyModel:
    """The tree, imported with its data, saved and loaded."""
    run = import_tree(tmp_path, "--min_count", 1)
    assert run.returncode == 0, run.stderr
    assert "accuracy          1.0000" in run.stdout
    assert (tmp_path / "runs" / "0001" / "model.pmml").read_text() == TREE
    return MyModel(dirpath=tmp_path / "runs" / "0001")


def test_a_file_made_elsewhere_is_imported_by_the_command(homes: MyModel) -> None:
    """Its fields are the columns, its categories the labels, and its outputs the probabilities."""
    assert [(column.name, column.datatype) for column in homes.signature.columns] == [
        ("rooms", "FP64"),
        ("new", "BOOL"),
        ("town", "BYTES"),
    ]
    assert homes.predict(HOMES[["town", "rooms", "new"]]).tolist() == ["low", "high", "low"]
    np.testing.assert_allclose(homes.predict(HOMES, proba=True), [[0.25, 0.75], [0.9, 0.1], [0.2, 0.8]])


def test_values_may_be_missing_where_the_document_replaces_them(homes: MyModel) -> None:
    assert [column.nullable for column in homes.signature.columns] == [True, False, False]
    assert homes.predict(HOMES.assign(rooms=np.nan)).tolist() == ["low", "low", "low"]


def test_a_value_that_the_document_does_not_allow_is_named_with_its_row(homes: MyModel) -> None:
    with pytest.raises(Unanswerable, match=r'^row 1: Field "town" cannot accept invalid value "Rome"$'):
        homes.predict(HOMES.assign(town=["Ulm", "Rome", "Bern"]))


def test_an_example_without_a_value_that_the_document_allows_says_which_option_shows_one(tmp_path: Path) -> None:
    run = import_tree(tmp_path)
    assert run.returncode == 1
    assert "--min_count" in run.stderr and 'Field "town" cannot accept invalid value' in run.stderr


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("no model", "this PMML cannot be evaluated"),
        ("<html/>", "its outermost element is html"),
        (TREE.replace("integer", "dateTime"), "found 'rooms' dateTime"),
        (TREE.replace("TreeModel", "HouseModel"), "this PMML cannot be evaluated"),
        (TREE, "name rows that it knows with --data"),  # no town is the empty one
    ],
)
def test_what_cannot_be_served_is_refused_with_what_was_found(tmp_path: Path, document: str, complaint: str) -> None:
    (tmp_path / "elsewhere.pmml").write_text(document)
    run = import_model(tmp_path / "elsewhere.pmml")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert run.stderr.splitlines()[-1].startswith("Training stopped: ")
    assert complaint in run.stderr


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise jpype.JVMNotFoundException("no JVM")

    monkeypatch.setattr(jpype, "getDefaultJVMPath", nowhere)
    with pytest.raises(ModelError, match="default-jre-headless"):
        MyModel()


def test_the_document_is_the_linear_model_that_was_trained(table: Table) -> None:
    """Scaling and the filling of missing values included."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = table
    model = MyModel()
    model.train(X, y)
    prepared = model.signature.conform(X)
    features = encode(prepared, learn_categories(prepared, MAX_CATEGORIES, model.min_count))
    reference = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, y)
    np.testing.assert_allclose(model.predict(X, proba=True), reference.predict_proba(features))


@pytest.mark.parametrize(
    "labels", [[False, True], [-3, 7], ["a < b", 'say "&"'], ["x", "y", "z"]], ids=["truth", "whole", "text", "three"]
)
def test_labels_and_names_of_any_kind_are_written_and_read(labels: list[Any]) -> None:
    X = pd.DataFrame(
        {"a > b": np.arange(30.0), "target": np.arange(30.0) % 3, "plan & tier": ["<free>", "&", None] * 10}
    )
    y = np.array(labels * 30)[:30]
    model = MyModel(penalty=1e-6)
    model.train(X, y)
    assert set(model.predict(X).tolist()) <= set(labels)
    assert model.predict(X, proba=True).shape == (30, len(labels))
