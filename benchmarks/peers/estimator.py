"""The model as the peers call it: the fitted estimator that ours saved, loaded from the same file."""

from __future__ import annotations

import os
from typing import Any


class Estimator:
    """Loads MODEL_FILE; `predict` answers with labels."""

    predict: Any

    def __init__(self) -> None:
        file = os.environ["MODEL_FILE"]
        if file.endswith(".ubj"):
            import xgboost  # type: ignore[import-not-found,import-untyped,unused-ignore]

            booster = xgboost.Booster(model_file=file)
            self.predict = lambda X: (booster.inplace_predict(X) > 0.5).astype("int64")
        else:
            import joblib  # type: ignore[import-not-found,import-untyped,unused-ignore]

            self.predict = joblib.load(file).predict
