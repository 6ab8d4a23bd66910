"""CatBoost's models that were made elsewhere: their columns and labels, and what their scores mean.

Not here: training and answers, which are in model.py; what was imported answers as what was trained.
"""

from __future__ import annotations

from typing import Any

from ._core import Column, Model, Signature


class Importable(Model):
    """A model that may also have been made elsewhere, and saved as .cbm."""

    def read_signature(self, X: Any = None) -> Signature:
        model = self.model
        if len(model.classes_):
            self.name_labels(model.classes_)
        else:
            self.task = "regression"
            if model.get_all_params()["loss_function"].startswith(("Poisson", "Tweedie")):
                self.state["head"] = "exp"
        names = model.feature_names_
        text = [*model.get_cat_feature_indices(), *model.get_text_feature_indices()]
        numbered = names == [str(at) for at in range(len(names))]
        columns = self.columns_of(X, len(names), None if numbered else names, text)
        if any(column.text and column.nullable for column in columns):
            raise ValueError("CatBoost takes no missing text: write in the data what it was trained with instead")
        self.state["categories"] = {}  # all that the model knows, it knows itself
        return Signature(tuple(Column(c.name, c.datatype, not c.text) for c in columns))
