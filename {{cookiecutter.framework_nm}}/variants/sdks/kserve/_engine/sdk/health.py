"""Liveness: whether this process answers, or should be replaced by another one.

Readiness, which sends requests elsewhere and leaves the process alone, is the model's own (serving/model.py).
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from ..serving.model import not_live
from .repository import ServingModelRepository


def add_liveness(app: FastAPI, repository: ServingModelRepository) -> None:
    """Answer in place of KServe's routes for liveness, which say "alive" whatever the models do.

    Call it before KServe adds its own: the first route of a path is the one that answers.
    """

    def answer(alive: dict[str, object]) -> JSONResponse:
        problem = not_live(repository.get_models().values())
        if problem:
            return JSONResponse({"error": f"the server is not live: {problem}"}, status_code=503)
        return JSONResponse(alive)

    async def root() -> JSONResponse:
        return answer({"status": "alive"})

    async def live() -> JSONResponse:
        return answer({"live": True})

    for path, route in (("/", root), ("/v2/health/live", live)):
        app.add_api_route(path, route, response_model=None, include_in_schema=False)
