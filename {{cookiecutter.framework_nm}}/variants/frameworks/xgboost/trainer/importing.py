"""Boosters of XGBoost's that were made elsewhere: opening their files, and their columns, labels and categories.

Not here: training and answers, which are in model.py; what was imported answers as what was trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ._core import Model, Signature


class Importable(Model):
    """A model that may also have been made elsewhere, by XGBoost's own interface or by its one for scikit-learn."""

    IMPORTS = ("*.ubj", "*.json", "*.bst")

    def open_weights(self, path: Path) -> None:
        self.restore(path)
        best = self.model.attr("best_iteration")
        if best and self.model.attr("scikit_learn"):  # so answer XGBoost's classes for scikit-learn
            self.model = self.model[: int(best) + 1]

    def read_signature(self, X: Any = None) -> Signature:
        learner = json.loads(self.model.save_config())["learner"]
        objective, labels = learner["objective"]["name"], int(learner["learner_model_param"]["num_class"])
        if objective.startswith("multi:"):
            self.model.set_param({"objective": "multi:softprob"})
        if labels or objective == "binary:logistic":
            self.number_labels(labels or 2)
        else:
            self.task = "regression"
        names = self.model.feature_names
        categories = _categories_in(self.model)
        self.name_categories([*categories], [*categories.values()])
        self.model.feature_names = None  # they are the signature's from here on
        return Signature(self.columns_of(X, self.model.num_features(), names, categories, nullable=True))


def _categories_in(booster: Any) -> dict[str, list[Any]]:
    """The categories of each column that has some, which a model knows that was trained on such a table."""
    if "c" not in (booster.feature_types or ()) or not hasattr(booster, "get_categories"):
        return {}
    found = booster.get_categories(export_to_arrow=True).to_arrow()
    return {name: values.to_pylist() for name, values in found or () if values is not None}
