"""Models of scikit-learn's that were made elsewhere: opening their files, and their columns, labels and answers.

Not here: training, and how what was trained here answers; that is in model.py.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ._core import Model, ModelError, Signature, fitted


class Importable(Model):
    """A model that may also have been made elsewhere: any estimator or pipeline, with preprocessing of its own."""

    IMPORTS = ("*.joblib", "*.pkl", "*.pickle", "*.skops")

    def open_weights(self, path: Path) -> None:
        if path.suffix == ".skops":
            self._open_skops(path)
        else:
            self.restore(path)
        fitted.use_one_thread(self.model)

    def _open_skops(self, path: Path) -> None:
        """Open what --trust allows, and save it as skops again if this project trusts all of its types."""
        try:
            self.restore(path)
            self.weights = "model.skops"
        except ModelError:
            if not find_spec("skops"):
                raise
            from skops.io import get_untrusted_types, load

            self.model = load(path, trusted=get_untrusted_types(file=path))

    def read_signature(self, X: Any = None) -> Signature:
        self.labels = fitted.labels_of(self.model)
        self.task = "regression" if self.labels is None else "classification"
        columns, self.state["imported"] = fitted.input_of(self.model, self.known, X)
        return Signature(columns)

    @property
    def is_imported(self) -> bool:
        """Whether this model was made elsewhere."""
        return "imported" in self.state

    def infer_imported(self, X: Any, proba: bool) -> np.ndarray:
        """`infer` for preprocessed input: the model encodes it itself, and may ask for columns by name."""
        return fitted.answer(self.model, X, self.state["imported"], self.labels, proba)

    def trained_steps(self) -> tuple[Any, Any]:
        """The encoder and the estimator that were trained here. Raises NotImplementedError for an imported model."""
        if self.is_imported:
            raise NotImplementedError("a pipeline that was imported gives no explanations")
        return self.model[0], self.model[-1]
