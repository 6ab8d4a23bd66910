"""FastAPI with orjson: what a careful hand writes in an hour. The model is called in line."""

from __future__ import annotations

import numpy as np  # type: ignore[import-not-found,import-untyped,unused-ignore]
import orjson  # type: ignore[import-not-found,import-untyped,unused-ignore]
from estimator import Estimator  # type: ignore[import-not-found,import-untyped,unused-ignore]
from fastapi import FastAPI, Request, Response  # type: ignore[import-not-found,import-untyped,unused-ignore]

app = FastAPI()
model = Estimator()


@app.post("/predict")  # type: ignore[untyped-decorator,unused-ignore]
async def predict(request: Request) -> Response:
    X = np.array(orjson.loads(await request.body())["instances"])
    answer = orjson.dumps(model.predict(X), option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(answer, media_type="application/json")
