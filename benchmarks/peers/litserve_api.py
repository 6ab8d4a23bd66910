"""LitServe, one request at a time, or in batches of at most LITSERVE_BATCH that wait for LITSERVE_WAIT seconds."""

from __future__ import annotations

import os
from typing import Any

import litserve  # type: ignore[import-not-found,import-untyped,unused-ignore]
import numpy as np  # type: ignore[import-not-found,import-untyped,unused-ignore]
from estimator import Estimator  # type: ignore[import-not-found,import-untyped,unused-ignore]


class API(litserve.LitAPI):  # type: ignore[misc,unused-ignore]
    def setup(self, device: str) -> None:
        self.model = Estimator()

    # LitServe reads annotations as FastAPI does; without one, it hands over the JSON.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return np.array(request["instances"])

    def predict(self, X: Any) -> Any:
        return self.model.predict(X)

    def encode_response(self, output: Any) -> Any:
        return output.tolist()


class Batching(API):
    def batch(self, inputs: list[Any]) -> Any:
        self.ends = np.cumsum([len(X) for X in inputs])[:-1]
        return np.concatenate(inputs)

    def unbatch(self, output: Any) -> Any:
        return np.split(output, self.ends)


if __name__ == "__main__":
    size = int(os.environ["LITSERVE_BATCH"])
    api = Batching(max_batch_size=size, batch_timeout=float(os.environ["LITSERVE_WAIT"])) if size > 1 else API()
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False)
