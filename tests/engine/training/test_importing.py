"""A model made elsewhere: found by its name, and its columns, labels and scores told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _engine.contract.columns import Column
from _engine.contract.errors import ModelError
from _engine.contract.signature import Signature
from _engine.training import mlserver
from _engine.training.importing import Known, check_labels, columns_of, find, told
from _engine.training.model import Model

X = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", "y", "x"]})


class Network(Model):
    """Scores from a file of weights, [columns, scores]."""

    FRAMEWORK, WEIGHTS = "test", "model.npy"
    IMPORTS = ("*.npy", "*.json", "*/saved")

    def build(self, **params: Any) -> None:
        pass

    @staticmethod
    def version() -> str:
        return "1.0"

    def preprocess(self, X: Any) -> Any:
        return X

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        return y_hat

    def run(self, X: np.ndarray) -> np.ndarray:
        return X @ self.model

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return self.from_scores(self.run(X), proba)

    def dump(self, path: Path) -> None:
        np.save(path, self.model)

    def restore(self, path: Path) -> None:
        self.model = np.load(path)

    def read_signature(self, X: Any = None) -> Signature:
        return self.read_network(X, self.run, (len(self.model),))


def network(folder: Path, weights: Any, labels: tuple[Any, ...] = (), **options: Any) -> Network:
    np.save(folder / "model.npy", np.asarray(weights, float))
    model = Network(**options)
    model.import_model(folder, known=Known(labels))
    model.save(folder / "0001", extras_seconds=0)
    return Network(dirpath=folder / "0001")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_folder_leads_to_the_model_in_it(tmp_path: Path) -> None:
    """As servers keep them in buckets: model.*, or the only one; or the folder is the model."""
    touch(tmp_path, "one/churn.npy", "one/model-settings.json", "named/model.npy", "named/other.npy", "whole/saved")
    assert find(tmp_path / "one", Network) == tmp_path / "one" / "churn.npy"
    assert find(tmp_path / "named", Network) == tmp_path / "named" / "model.npy"
    assert find(tmp_path / "whole", Network) == tmp_path / "whole"
    assert find(tmp_path / "named" / "other.npy", Network) == tmp_path / "named" / "other.npy"


def test_what_is_no_model_is_refused_with_what_would_be(tmp_path: Path) -> None:
    touch(tmp_path, "several/a.npy", "several/b.npy", "none/readme.md")
    for path, complaint in {
        "absent": "no such file: ",
        "several": "holds several models, a.npy, b.npy: name one",
        "none": "is no model that test imports: expected *.npy, *.json, a folder with saved",
        "none/readme.md": "is no model that test imports",
    }.items():
        with pytest.raises(ModelError, match=re.escape(complaint)):
            find(tmp_path / path, Network)
    with pytest.raises(ModelError, match=r"cannot be loaded: .*Error"):
        Network().import_model(tmp_path / "several" / "a.npy")
    with pytest.raises(ModelError, match="there is no model to import"):
        Network().import_model()


def test_columns_are_those_of_the_file_or_of_the_data_or_numbered() -> None:
    def names(*arguments: Any, **options: Any) -> list[tuple[str, str, bool]]:
        return [(c.name, c.datatype, c.nullable) for c in columns_of(*arguments, **options)]

    assert names(Known(), None, 2) == [("x0", "FP64", False), ("x1", "FP64", False)]
    assert names(Known(), None, 2, ["b", "c"], ["b"], True) == [("b", "BYTES", True), ("c", "FP64", True)]
    assert names(Known(), X, None) == [("a", "FP64", True), ("b", "BYTES", False)]
    assert names(Known(), X, None, ["b"]) == [("b", "BYTES", False)]
    told = Known(columns=(Column("town", "BYTES"), Column("size", "FP64")))
    assert names(told, None, 2) == [("town", "BYTES", False), ("size", "FP64", False)]
    assert names(Known(), X.assign(b=[1, 2, 3]), 2, text=[1])[1] == ("b", "BYTES", False)
    for arguments, complaint in {
        (None, None, None): "give --data",
        (1, None, None): "takes 1 columns, but the data has 2: 'a', 'b'; leave out those that it does not take, with",
        (3, None, None): "takes 3 columns, but the data has 2: 'a', 'b'",
        (None, ("a", "z"), None): "the data lacks: 'z'; it has 'a', 'b'",
    }.items():
        data = X if any(arguments) else None
        with pytest.raises(ValueError, match=re.escape(complaint)):
            columns_of(Known(), data, arguments[0], arguments[1])


def test_scores_become_probabilities_of_labels_in_their_own_order(tmp_path: Path) -> None:
    weights, rows = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, 2.0]]), np.random.default_rng(0).normal(size=(20, 2))
    odds = np.exp(rows @ weights)
    expected = odds / odds.sum(axis=1, keepdims=True)
    model = network(tmp_path, weights, ("small", "medium", "large"))
    assert model.labels is not None
    assert model.labels.tolist() == ["large", "medium", "small"]
    np.testing.assert_allclose(model.predict(rows, proba=True)[:, ::-1], expected)
    assert model.predict(rows).tolist() == np.array(["small", "medium", "large"])[expected.argmax(axis=1)].tolist()


def test_one_score_is_a_number_unless_two_labels_are_named(tmp_path: Path) -> None:
    rows = np.array([[2.0], [-2.0]])
    for name, labels, answers in (("a", (), [2.0, -2.0]), ("b", ("yes", "no"), ["no", "yes"])):
        (tmp_path / name).mkdir()
        model = network(tmp_path / name, [[1.0]], labels)
        assert model.predict(rows).tolist() == answers
    np.testing.assert_allclose(model.predict(rows, proba=True)[0], [1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))])
    assert network(tmp_path, np.eye(2), task="regression").predict([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]


def test_what_it_takes_is_told_and_of_many_columns_how_many_more(tmp_path: Path) -> None:
    lines = told(network(tmp_path, np.ones((23, 1))))
    columns = [f"  {f'x{at}':<26}number" for at in range(20)]
    assert lines[-22:] == ["It answers a number, and takes:", *columns, "  and 3 more columns"]


def test_labels_that_the_data_lacks_are_asked_for_where_they_may_be_named(tmp_path: Path) -> None:
    """A model that has labels of its own keeps them, so --labels would be refused."""
    y = np.array(["no", "yes"])
    np.save(tmp_path / "model.npy", np.eye(2))
    model = Network()
    model.import_model(tmp_path / "model.npy")
    with pytest.raises(ValueError, match=r"the model answers 0, 1, but 'left' has 'no', 'yes': name .* with --lab"):
        check_labels(model, y, "left")
    model.numbers_labels = False
    with pytest.raises(ValueError, match=r"write the model's own labels into that column, or leave --target out"):
        check_labels(model, y, "left")


def test_rows_that_miss_values_need_an_answer(tmp_path: Path) -> None:
    """Of NaN a label would be made."""
    np.save(tmp_path / "model.npy", np.eye(2))
    complaint = re.escape("no answer to rows that miss a value, as some do in 'a': fill them in prep_func")
    for columns in ({"a": [1.0, np.nan], "b": [1.0, 2.0]}, {"a": [None, True], "b": [1.0, 2.0]}):
        with pytest.raises(ValueError, match=complaint):
            Network().import_model(tmp_path / "model.npy", X=pd.DataFrame(columns))


def test_columns_that_a_network_does_not_take_are_left_out_by_the_user(tmp_path: Path) -> None:
    class Narrow(Network):
        def run(self, X: np.ndarray) -> np.ndarray:
            raise RuntimeError("a long story\n\nshapes 16x3 and 2x8")

    np.save(tmp_path / "model.npy", np.eye(3))
    complaint = "does not answer rows of 3 columns: shapes 16x3 and 2x8. Leave out"
    with pytest.raises(ValueError, match=complaint):
        Narrow().import_model(tmp_path / "model.npy")


def test_labels_have_to_be_as_many_as_scores(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tells 3 labels apart, and --labels names 2"):
        network(tmp_path, np.eye(3), ("no", "yes"))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (None, "name the folder that MLServer has the model in"),
        ("{", "is none of MLServer's"),
        ({"implementation": "mlserver_xgboost.XGBoostModel"}, "generate a project of xgboost for it"),
        ({"implementation": "my.Own"}, "is of my.Own, which scikit-learn does not run"),
        ({"implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "s3://a/b"}}, "download it"),
    ],
)
def test_settings_of_mlserver_that_lead_to_no_model(tmp_path: Path, settings: Any, complaint: str) -> None:
    if settings is not None:
        content = settings if isinstance(settings, str) else json.dumps(settings)
        (tmp_path / "model-settings.json").write_text(content)
    with pytest.raises(ModelError, match=re.escape(complaint)):
        mlserver.read(tmp_path, "scikit-learn")


#: As MLServer 1.7.1's own ModelSettings writes itself.
WRITTEN = """{"implementation":"mlserver_sklearn.SKLearnModel","name":"churn","platform":"","versions":[],"inputs":[
{"name":"age","datatype":"FP64","shape":[-1],"parameters":null},
{"name":"plan","datatype":"BYTES","shape":[-1],"parameters":null}],
"outputs":[],"parallel_workers":null,"warm_workers":false,"max_batch_size":0,"max_batch_time":0.0,"parameters":{
"uri":"./churn.joblib","version":null,"environment_path":null,"environment_tarball":null,"inference_pool_gid":null,
"autogenerate_inference_pool_gid":false,"format":null,"content_type":null,"extra":{}},"cache_enabled":false}"""


def test_settings_that_mlserver_wrote_name_the_model_and_its_columns(tmp_path: Path) -> None:
    (tmp_path / mlserver.FILE).write_text(WRITTEN)
    path, columns = mlserver.read(tmp_path, "scikit-learn")
    assert path == tmp_path / "churn.joblib"
    assert [(column.name, column.datatype) for column in columns] == [("age", "FP64"), ("plan", "BYTES")]
