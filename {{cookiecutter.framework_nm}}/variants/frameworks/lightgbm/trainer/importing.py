"""Boosters of LightGBM's that were made elsewhere: opening their files, and their columns, labels and categories.

Not here: training and answers, which are in model.py; what was imported answers as what was trained.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ._core import Model, Signature


class Importable(Model):
    """A model that may also have been made elsewhere: LightGBM's own text, or a pickled booster or estimator."""

    IMPORTS = ("*.txt", "*.joblib", "*.pkl", "*.pickle")

    def open_weights(self, path: Path) -> None:
        self.classes: Any = None
        if path.suffix == ".txt":
            self.restore(path)
            return
        import joblib
        import lightgbm

        pickled = joblib.load(path)
        booster = getattr(pickled, "booster_", pickled)
        self.model = lightgbm.Booster(model_str=booster.model_to_string())
        self.classes = getattr(pickled, "classes_", None)

    def read_signature(self, X: Any = None) -> Signature:
        text, names = self.model.model_to_string(), self.model.feature_name()
        objective, labels = re.findall(r"^(?:objective|num_class)=(\w+)", text, re.MULTILINE)[::-1]
        if self.classes is not None:
            self.name_labels(self.classes)
        elif objective in ("binary", "multiclass", "multiclassova"):
            self.number_labels(max(int(labels), 2))
        else:
            self.task = "regression"
        lists = self.model.pandas_categorical or []
        found = re.search(r"^\[categorical_feature: ([\d,]+)\]", text, re.MULTILINE)
        self.name_categories([names[int(at)] for at in found[1].split(",")] if found and lists else [], lists)
        named = None if all(re.fullmatch(r"Column_\d+", name) for name in names) else names
        return Signature(self.columns_of(X, len(names), named, self.state["categories"], nullable=True))
