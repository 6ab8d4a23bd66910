"""KServe with a model as the brief writes it, and KServe's own defaults, logging included."""

from __future__ import annotations

import os
from typing import Any

import kserve  # type: ignore[import-not-found,import-untyped,unused-ignore]
import numpy as np  # type: ignore[import-not-found,import-untyped,unused-ignore]
from estimator import Estimator  # type: ignore[import-not-found,import-untyped,unused-ignore]
from kserve.utils.utils import get_predict_response  # type: ignore[import-not-found,import-untyped,unused-ignore]


class ServingModel(kserve.Model):  # type: ignore[misc,unused-ignore]
    def load(self) -> bool:
        self._model = Estimator()
        self.ready = True
        return True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        if isinstance(payload, kserve.InferRequest):
            # V2, the way KServe's own sklearnserver does it.
            result = self._model.predict(payload.inputs[0].as_numpy())
            return get_predict_response(payload, result, self.name)
        inputs = np.array(payload["instances"])
        return {"predictions": self._model.predict(inputs).tolist()}


if __name__ == "__main__":
    models = [ServingModel(f"model{i or ''}") for i in range(int(os.environ["COPIES"]))]
    for model in models:
        model.load()
    kserve.ModelServer().start(models)
