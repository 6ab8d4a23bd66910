"""The model: what is trained, and how it answers. Put your own parameters into `build`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import HeldOut, ModelError
from .categories import learn_categories
from .importing import Importable
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    iterations: int = Field(500, ge=1, description="most trees")
    patience: int = Field(50, ge=1, description="trees without progress on held-out rows before training ends")
    depth: int = Field(6, ge=1, le=16, description="depth of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="how far each tree goes")
    l2_leaf_reg: float = Field(3.0, ge=0, description="strength of the penalty on large leaves")
    random_seed: int = Field(0, ge=0, description="random seed of sampling")


class MyModel(Importable):
    """A CatBoost model, which takes text as it is.

    CatBoost is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "catboost"
    WEIGHTS = "model.cbm"
    QUICK = True
    #: What `--tune` searches: least and most.
    SEARCH = {"depth": (4, 10), "learning_rate": (0.02, 0.3, "log"), "l2_leaf_reg": (1.0, 30.0, "log")}

    def build(self, **params: Any) -> None:
        # It would leave a folder of logs behind, and print each step.
        quiet = {"allow_writing_files": False, "logging_level": "Silent"}
        options = Hyperparameters(**params)
        self.patience = options.patience
        self.params = {**options.model_dump(exclude={"patience"}), **quiet}

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None, weights: Any = None) -> None:
        from catboost import CatBoost, CatBoostError, Pool

        loss = "RMSE" if self.labels is None else "MultiClass" if len(self.labels) > 2 else "Logloss"
        on_gpu = self.device != "cpu"
        self.state["categories"] = learn_categories(X, MAX_CATEGORIES, self.min_count)
        names = [] if isinstance(X, np.ndarray) else list(X.columns)
        text = [names.index(name) for name in self.state["categories"]]
        where = {"task_type": "GPU" if on_gpu else "CPU", "thread_count": self.threads}
        trees = self.kept or self.params["iterations"]
        self.model = CatBoost({**self.params, **where, "loss_function": loss, "iterations": trees})
        try:
            data, *held = (
                Pool(self.encode(part.X), self._codes(part.y), cat_features=text, weight=part.weights)
                for part in (HeldOut(X, y, weights), valid)
                if part
            )
            # On a GPU it takes no callbacks.
            progress = None if on_gpu else [SimpleNamespace(after_iteration=self._step)]
            stopping = self.patience if held else None
            self.model.fit(data, eval_set=held[0] if held else None, early_stopping_rounds=stopping, callbacks=progress)
        except CatBoostError as error:
            raise ValueError(f"CatBoost cannot train on this data: {_reason(error)}") from error
        if held:
            self.note_kept(self.model.tree_count_, trees, "trees")

    def encode(self, X: Any) -> Any:
        return encode(X, self.state["categories"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        kind = "RawFormulaVal" if self.labels is None else "Probability"
        # Requests are batched before they come here; more threads would only wait for each other.
        return self.from_scores(self.model.predict(X, prediction_type=kind, thread_count=1), proba)

    def contributions(self, X: Any) -> np.ndarray:
        """SHAP values of the trees, in log-odds where labels are told apart (Lundberg et al. 2020,
        https://doi.org/10.1038/s42256-019-0138-9)."""
        from catboost import Pool

        rows = Pool(X, cat_features=self.model.get_cat_feature_indices())
        scores = self.model.get_feature_importance(rows, type="ShapValues", thread_count=1)
        return scores.reshape(len(X), -1, scores.shape[-1])

    def to_onnx(self) -> bytes:
        import onnx

        if self.model.get_cat_feature_indices():
            raise NotImplementedError("CatBoost has none for models with columns of text")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            self.model.save_model(path, format="onnx")
            model = onnx.load(path)
        graph = model.graph
        # Its last step for labels turns a matrix into a list of maps; its shape for numbers lacks a dimension.
        name = graph.output[0].name if self.labels is None else graph.node.pop().input[0]
        scores = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, None])
        graph.output[-1].CopyFrom(scores)
        return model.SerializeToString()

    def dump(self, path: Path) -> None:
        self.model.save_model(path)

    def restore(self, path: Path) -> None:
        from catboost import CatBoost

        self.model = CatBoost().load_model(path)

    def place(self) -> None:
        """A GPU trains; what is trained answers on the CPU, because on a GPU CatBoost takes no text."""
        if self.device == "cpu":
            return
        from catboost.utils import get_gpu_device_count

        if self.model:
            raise ModelError(f"the device {self.device} was requested, but CatBoost answers on the CPU here")
        if not get_gpu_device_count():
            raise ModelError(f"the device {self.device} was requested, but CatBoost finds no GPU")

    def _codes(self, y: np.ndarray) -> np.ndarray:
        """What is predicted as CatBoost takes it: numbers as they are, or the place of each label among all."""
        return y if self.labels is None else np.searchsorted(self.labels, y)

    def _step(self, info: Any) -> bool:
        """Tell the progress display how many trees are done, and CatBoost whether to go on: not where the log loss on
        held-out rows falls no longer to speak of, which it would do slowly for long."""
        self.report(info.iteration, self.kept or self.params["iterations"])
        if self.kept:
            return True
        (losses,) = info.metrics["validation"].values()
        before = losses[: -self.patience]
        return not before or self.labels is None or min(losses) < min(before) - 0.001


def _reason(error: Exception) -> str:
    """The message without the place in CatBoost's own code that it begins with."""
    return str(error).rpartition(": ")[2]
