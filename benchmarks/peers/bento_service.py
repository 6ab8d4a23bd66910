"""BentoML, one request at a time and batchable."""

from __future__ import annotations

import bentoml  # type: ignore[import-not-found,import-untyped,unused-ignore]
import numpy as np  # type: ignore[import-not-found,import-untyped,unused-ignore]
from estimator import Estimator  # type: ignore[import-not-found,import-untyped,unused-ignore]


@bentoml.service  # type: ignore[untyped-decorator,unused-ignore]
class Plain:
    def __init__(self) -> None:
        self.model = Estimator()

    @bentoml.api  # type: ignore[untyped-decorator,unused-ignore]
    def predict(self, instances: np.ndarray) -> np.ndarray:
        labels: np.ndarray = self.model.predict(instances)
        return labels


@bentoml.service  # type: ignore[untyped-decorator,unused-ignore]
class Batching:
    def __init__(self) -> None:
        self.model = Estimator()

    @bentoml.api(batchable=True)  # type: ignore[untyped-decorator,unused-ignore]
    def predict(self, instances: np.ndarray) -> np.ndarray:
        labels: np.ndarray = self.model.predict(instances)
        return labels
