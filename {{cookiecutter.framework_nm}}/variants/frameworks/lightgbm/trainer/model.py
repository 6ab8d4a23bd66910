"""The model: what is trained, and how it answers. Put your own parameters into `build`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import HeldOut
from .categories import learn_categories
from .importing import Importable
from .objectives import choose_objective, least_progress, to_codes
from .preprocessor import MAX_CATEGORIES, encode


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    rounds: int = Field(500, ge=1, description="most boosting rounds")
    patience: int = Field(30, ge=1, description="rounds without progress on held-out rows before training ends")
    learning_rate: float = Field(0.1, gt=0, le=1, description="how far each round goes")
    num_leaves: int = Field(31, ge=2, description="leaves of a tree")
    min_data_in_leaf: int = Field(20, ge=1, description="rows that a leaf needs; fewer for a small table")
    seed: int = Field(0, description="random seed of sampling")


class MyModel(Importable):
    """A LightGBM booster. It needs no scikit-learn, and neither does the image that serves it.

    LightGBM is imported where it is needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "lightgbm"
    WEIGHTS = "model.txt"
    QUICK = True
    #: What `--tune` searches: least and most.
    SEARCH = {"learning_rate": (0.02, 0.3, "log"), "num_leaves": (4, 128, "log"), "min_data_in_leaf": (2, 100, "log")}

    def build(self, **params: Any) -> None:
        options = Hyperparameters(**params)
        self.rounds, self.patience = options.rounds, options.patience
        # Without a fixed way to build histograms, LightGBM picks one by a race, and sums round differently.
        fixed = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
        # LightGBM splits by categories of 100 rows or more only, of which a small table has none.
        groups = {"min_data_per_group": options.min_data_in_leaf}
        self.params = {**options.model_dump(exclude={"rounds", "patience"}), **groups, **fixed}

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None, weights: Any = None) -> None:
        import lightgbm

        objective = choose_objective(self.labels, "regression", "binary", "multiclass")
        self.state["categories"] = learn_categories(X, MAX_CATEGORIES, self.min_count)
        names = [] if isinstance(X, np.ndarray) else list(X.columns)
        text = [names.index(name) for name in self.state["categories"]]
        data = lightgbm.Dataset(self.encode(X), to_codes(y, self.labels), weight=weights, categorical_feature=text)
        held, callbacks = [], [self._progress]
        if valid:
            held = [data.create_valid(self.encode(valid.X), to_codes(valid.y, self.labels), weight=valid.weights)]
            callbacks.append(lightgbm.early_stopping(self.patience, False, False, least_progress(self.labels)))
        trained = lightgbm.train(
            {**self.params, **objective, "num_threads": self.threads},
            data,
            self.kept or self.rounds,
            valid_sets=held,
            callbacks=callbacks,
        )
        if valid:
            self.note_kept(trained.best_iteration or self.rounds, self.rounds, "rounds")
        # What is kept is the text of the best rounds, without what came after them, the data, and columns' extremes.
        text = trained.model_to_string(num_iteration=self.kept)
        self.model = lightgbm.Booster(model_str=re.sub(r"(?m)^(feature_infos=).*", r"\1" + "none " * X.shape[1], text))
        if not self.model.feature_importance().any():
            self.notes.append("the trees have no splits, so nothing was learnt: a smaller min_data_in_leaf may help")

    def encode(self, X: Any) -> Any:
        return encode(X, self.state["categories"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        # Requests are batched before they come here; more threads would only wait for each other.
        return self.from_scores(self.model.predict(X, num_threads=1), proba)

    def contributions(self, X: Any) -> np.ndarray:
        """SHAP values of the trees, in log-odds where labels are told apart (Lundberg et al. 2020,
        https://doi.org/10.1038/s42256-019-0138-9)."""
        return self.model.predict(X, pred_contrib=True, num_threads=1).reshape(len(X), -1, X.shape[1] + 1)

    def to_onnx(self) -> bytes:
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        columns = [("input", FloatTensorType([None, self.model.num_feature()]))]
        return convert_lightgbm(self.model, initial_types=columns, zipmap=False).SerializeToString()

    def dump(self, path: Path) -> None:
        self.model.save_model(path)

    def restore(self, path: Path) -> None:
        import lightgbm

        self.model = lightgbm.Booster(model_file=path)

    def _progress(self, step: Any) -> None:
        """Tell the progress display how many rounds are done."""
        self.report(step.iteration + 1, step.end_iteration)
