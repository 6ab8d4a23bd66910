"""Promises of Transformers' models, beside those of every framework."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Tuple

import numpy as np
import pandas as pd
import pytest
import transformers

from ...trainer._core import Column, Signature
from ...trainer.model import MyModel
from ...trainer.preprocessor import to_texts
from .trained import train, train_as_typed

Table = Tuple[pd.DataFrame, pd.Series]

REVIEWS = pd.DataFrame({"review": ["good and tasty", "bad and bland", "tasty", "bland", "good", "bad"] * 10})
OPINIONS = pd.Series(["likes", "dislikes"] * 30, name="opinion")


@pytest.fixture(scope="module", autouse=True)
def offline() -> None:
    """No test asks the hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def reader() -> MyModel:
    """A model that was trained on texts."""
    model = MyModel()
    model.train(REVIEWS, OPINIONS)
    return model


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, reader: MyModel) -> Path:
    """A folder as others publish them; its labels are in an order of their own."""
    folder = tmp_path_factory.mktemp("published") / "reader"
    reader.dump(folder)
    config = json.loads((folder / "config.json").read_text())
    labels = {"id2label": {"0": "NEGATIVE?", "1": "GOOD"}, "label2id": {"NEGATIVE?": 0, "GOOD": 1}}
    (folder / "config.json").write_text(json.dumps({**config, **labels}))
    return folder


def test_a_row_is_a_text_or_a_line() -> None:
    """The only column's text; or names and values, where missing values are left out."""
    columns = (Column("age", "FP64", nullable=True), Column("active", "BOOL"), Column("plan", "BYTES", nullable=True))
    X = Signature(columns).conform([[31.0, True, "pro"], [np.nan, False, None]])
    assert to_texts(X, columns) == ["age: 31; active: true; plan: pro", "active: false"]
    text = Signature((Column("review", "BYTES"),))
    assert to_texts(text.conform([["good"], ["bad"]]), text.columns) == ["good", "bad"]


def test_texts_are_told_apart(reader: MyModel) -> None:
    np.testing.assert_array_equal(reader.predict(REVIEWS), OPINIONS)


def test_a_row_is_answered_alone_as_among_longer_ones(reader: MyModel) -> None:
    X = pd.DataFrame({"review": ["good", "bad and " * 50, ""]})
    alone = np.concatenate([reader.predict(X[at : at + 1], proba=True) for at in range(len(X))])
    np.testing.assert_allclose(reader.predict(X, proba=True), alone, atol=1e-6)


def test_what_is_saved_is_a_model_to_transformers(model_dir: Path, model: MyModel, table: Table) -> None:
    """With its tokenizer and the names of its labels, but without the threshold; nothing in it is a pickle."""
    classify = transformers.pipeline("text-classification", str(model_dir / "model"))
    texts = to_texts(model.signature.conform(table[0]), model.signature.columns)
    answers = classify(texts, truncation=True)
    assert model.labels is not None
    proba = model.predict(table[0], proba=True)
    assert [answer["label"] for answer in answers] == model.labels[proba.argmax(axis=1)].tolist()
    np.testing.assert_allclose([answer["score"] for answer in answers], proba.max(axis=1), atol=1e-5)
    assert not [file for file in (model_dir / "model").iterdir() if file.suffix not in {".json", ".safetensors"}]


def test_a_classifier_made_elsewhere_is_served_as_it_is(tmp_path: Path, elsewhere: Path, reader: MyModel) -> None:
    """It takes a text, and answers with its own labels."""
    run = train("--pretrained", elsewhere, "--output_dir", tmp_path)
    assert run.returncode == 0, run.stderr
    assert "Training" not in run.stdout
    model = MyModel(dirpath=tmp_path / "0001")
    assert model.signature.columns == (Column("text", "BYTES"),)
    X = REVIEWS.rename(columns={"review": "text"})
    names = {"dislikes": "NEGATIVE?", "likes": "GOOD"}
    assert model.predict(X).tolist() == [names[label] for label in OPINIONS]
    np.testing.assert_allclose(model.predict(X, proba=True), reader.predict(REVIEWS, proba=True)[:, ::-1], atol=1e-6)


def test_a_model_made_elsewhere_is_fine_tuned_where_there_is_data(tmp_path: Path, elsewhere: Path) -> None:
    """Whatever labels it had: those of the data are what it answers then, here three."""
    REVIEWS.assign(stars=[5, 1, 3, 1, 3, 1] * 10).to_csv(tmp_path / "reviews.csv", index=False)
    data = ("--data", tmp_path / "reviews.csv", "--target", "stars")
    run = train_as_typed(
        "--pretrained", elsewhere, *data, "--epochs", 40, "--learning_rate", 1e-3, "--output_dir", tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    model = MyModel(dirpath=tmp_path / "0001")
    assert model.metrics["accuracy"] == 1
    assert model.predict([["tasty"], ["bad"]]).tolist() == [3, 1]


def change(folder: Path, copy: Path, **values: object) -> Path:
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, **values}))
    return copy


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"architectures": ["DistilBertForMaskedLM"]}, "is DistilBertForMaskedLM, which gives no labels yet"),
        ({"problem_type": "multi_label_classification"}, "gives several labels per text"),
        ({"model_type": "unheard of"}, "cannot be loaded"),
    ],
)
def test_a_model_that_cannot_be_served_says_why(
    tmp_path: Path, elsewhere: Path, values: dict[str, object], complaint: str
) -> None:
    run = train("--pretrained", change(elsewhere, tmp_path / "copy", **values), "--output_dir", tmp_path)
    assert run.returncode == 1
    assert complaint in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    run = train("--pretrained", tmp_path / "absent", "--output_dir", tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith(f"Training stopped: {tmp_path / 'absent'} cannot be loaded: ")
    assert run.stderr.count("\n") == 1
