"""The model: what is trained, and how it answers. Put your own parameters into `build`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import HeldOut, ModelError
from .categories import learn_categories
from .importing import Importable
from .objectives import choose_objective, least_progress, to_codes
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    rounds: int = Field(500, ge=1, description="most boosting rounds")
    patience: int = Field(30, ge=1, description="rounds without progress on held-out rows before training ends")
    # Shallow trees that see not all rows: small tables bear no others, and large ones grow more of them.
    max_depth: int = Field(4, ge=0, description="depth of a tree; 0 is no limit")
    learning_rate: float = Field(0.05, gt=0, le=1, description="how far each round goes")
    min_child_weight: float = Field(1.0, ge=0, description="weight of rows that a leaf needs")
    subsample: float = Field(0.6, gt=0, le=1, description="share of the rows that each tree sees")
    seed: int = Field(0, description="random seed of sampling")


class MyModel(Importable):
    """An XGBoost booster. It needs no scikit-learn, and neither does the image that serves it.

    XGBoost is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "xgboost"
    WEIGHTS = "model.ubj"
    QUICK = True
    #: What `--tune` searches: least and most.
    SEARCH = {
        "max_depth": (3, 10),
        "learning_rate": (0.02, 0.3, "log"),
        "min_child_weight": (0.5, 20.0, "log"),
        "subsample": (0.5, 1.0),
    }

    @staticmethod
    def version() -> str:
        import xgboost

        return xgboost.__version__

    def build(self, **params: Any) -> None:
        options = Hyperparameters(**params)
        self.rounds, self.patience = options.rounds, options.patience
        self.params = options.model_dump(exclude={"rounds", "patience"})

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None, weights: Any = None) -> None:
        import xgboost

        objective = choose_objective(self.labels, "reg:squarederror", "binary:logistic", "multi:softprob")
        self.state["categories"] = learn_categories(X, MAX_CATEGORIES, self.min_count)
        names = [None] * X.shape[1] if isinstance(X, np.ndarray) else X.columns
        kinds = ["c" if name in self.state["categories"] else "q" for name in names]
        data, *held = (
            self._matrix(self.encode(part.X), kinds, label=to_codes(part.y, self.labels), weight=part.weights)
            for part in (HeldOut(X, y, weights), valid)
            if part
        )
        stopping = xgboost.callback.EarlyStopping(rounds=self.patience, min_delta=least_progress(self.labels))
        self.model = xgboost.train(
            {**self.params, **objective, "device": self.device, "nthread": self.threads},
            data,
            self.kept or self.rounds,
            evals=[(part, "held") for part in held],
            callbacks=[self._progress(), *(stopping for _ in held)],
            verbose_eval=False,
        )
        if held:
            kept = self.model.best_iteration + 1
            self.model = self.model[:kept]
            self.note_kept(kept, self.rounds, "rounds")
        if not self.model.get_score():
            self.notes.append(
                "the trees have no splits, so nothing was learnt: more rows may help, or a smaller unit of the target"
            )

    def encode(self, X: Any) -> Any:
        return encode(X, self.state["categories"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return self.from_scores(self.model.inplace_predict(X), proba)

    def contributions(self, X: Any) -> np.ndarray:
        """SHAP values of the trees, in log-odds where labels are told apart (Lundberg et al. 2020,
        https://doi.org/10.1038/s42256-019-0138-9)."""
        scores = self.model.predict(self._matrix(X, self.model.feature_types), pred_contribs=True)
        return scores.reshape(len(X), -1, scores.shape[-1]).astype(np.float64)

    def to_onnx(self) -> bytes:
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        features = self.model.num_features()
        booster, splits = _without_categories(self.model)
        model = convert_xgboost(booster, initial_types=[("input", FloatTensorType([None, features]))])
        for node in model.graph.node:
            if node.op_type.startswith("TreeEnsemble"):
                _write_out(node, features, splits)
        return model.SerializeToString()

    def dump(self, path: Path) -> None:
        self.model.save_model(path)

    def restore(self, path: Path) -> None:
        import xgboost

        # Requests are batched before they come here, and XGBoost would count the cores of the whole machine.
        self.model = xgboost.Booster({"nthread": 1}, model_file=path)

    def place(self) -> None:
        if self.device == "cpu":
            return
        import xgboost

        # XGBoost falls back to the CPU without an error; only its configuration says so.
        with xgboost.config_context(verbosity=0):
            probe = xgboost.train({"device": self.device}, xgboost.DMatrix([[0.0]], label=[0.0]), 0)
        if json.loads(probe.save_config())["learner"]["generic_param"]["device"] == "cpu":
            raise ModelError(
                f"the device {self.device} was requested, but XGBoost finds no GPU: it needs one, "
                "and the package xgboost instead of xgboost-cpu"
            )
        if self.model:
            self.model.set_param({"device": self.device})

    def _matrix(self, X: np.ndarray, kinds: list[str], **rows: Any) -> Any:
        import xgboost

        return xgboost.DMatrix(X, feature_types=kinds, enable_categorical=True, **rows)

    def _progress(self) -> Any:
        """Tells the progress display how many rounds are done."""
        import xgboost

        class Rounds(xgboost.callback.TrainingCallback):
            def after_iteration(_, model: Any, epoch: int, evals_log: Any) -> bool:
                self.report(epoch + 1, self.kept or self.rounds)
                return False

        return Rounds()


def _without_categories(booster: Any) -> tuple[Any, list[tuple[int, list[int]]]]:
    """A copy that shows its splits by category as splits by number, of columns behind the last one; and the column
    and the categories of each of those splits, in their order.

    onnxmltools takes time for splits by category that doubles with each category, and its last version for Python 3.8
    knows none.
    """
    import xgboost

    splits: list[tuple[int, list[int]]] = []

    class WithoutCategories(xgboost.Booster):
        def get_dump(self, *args: Any, **kwargs: Any) -> list[str]:
            splits.clear()
            trees = [json.loads(tree) for tree in super().get_dump(*args, **kwargs)]
            waiting = list(trees)
            while waiting:
                node = waiting.pop()
                waiting += node.get("children", [])
                if isinstance(node.get("split_condition"), list):
                    splits.append((int(node["split"][1:]), node["split_condition"]))
                    node.update(split=f"f{self.num_features() + len(splits) - 1}", split_condition=0.0)
            return [json.dumps(tree) for tree in trees]

    return WithoutCategories(model_file=booster.save_raw()), splits


def _write_out(ensemble: Any, features: int, splits: list[tuple[int, list[int]]]) -> None:
    """Make of each split by category a chain of comparisons, one per category, which all lead to the same subtrees.

    `ensemble` is a node of ONNX's TreeEnsembleClassifier or TreeEnsembleRegressor.
    """
    import onnx

    columns = {
        attribute.name: onnx.helper.get_attribute_value(attribute)
        for attribute in ensemble.attribute
        if attribute.name.startswith("nodes_")
    }
    nodes = [dict(zip(columns, values)) for values in zip(*columns.values())]
    used = Counter(node["nodes_treeids"] for node in nodes)  # a tree's nodes are numbered from 0 on
    written: list[dict[str, Any]] = []
    for node in nodes:
        if node["nodes_featureids"] < features:
            written.append(node)
            continue
        feature, categories = splits[node["nodes_featureids"] - features]
        same = {**node, "nodes_featureids": feature, "nodes_modes": "BRANCH_EQ"}
        chain = [{**same, "nodes_values": float(category)} for category in categories]
        for at, link in enumerate(chain[1:]):
            chain[at]["nodes_falsenodeids"] = link["nodes_nodeids"] = used[node["nodes_treeids"]]
            used[node["nodes_treeids"]] += 1
        written += chain
    for attribute in ensemble.attribute:
        if attribute.name in columns:
            values = [node[attribute.name] for node in written]
            attribute.CopyFrom(onnx.helper.make_attribute(attribute.name, values))
