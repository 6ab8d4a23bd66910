"""Errors of KServe's own routes, and of the owner's, in the form that all have here: {"error": message}."""

from __future__ import annotations

import http
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    phrase = http.HTTPStatus(error.status_code).phrase
    return JSONResponse({"error": error.detail or phrase}, error.status_code, error.headers)


async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
    problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:10])
    return JSONResponse({"error": "; ".join(problems)}, 422)


def refuse_methods(app: FastAPI) -> None:
    """Answer 405 to what is no POST on the paths of V1's predictions. KServe would take "m:predict" for a model.

    Call it before KServe adds its routes: the first route of a path is the one that answers.
    """

    async def refuse() -> None:
        raise HTTPException(405, headers={"Allow": "POST"})

    methods = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]
    for action in ("predict", "explain"):
        path = f"/v1/models/{{model_name}}:{action}"
        app.add_api_route(path, refuse, methods=methods, response_model=None, include_in_schema=False)


def answer_errors(app: FastAPI) -> None:
    """Have FastAPI answer errors in this form, but for those that the owner answers otherwise."""
    handlers: dict[Any, Any] = app.exception_handlers
    for kind, default, ours in (
        (HTTPException, http_exception_handler, _http),
        (RequestValidationError, request_validation_exception_handler, _validation),
    ):
        if handlers.get(kind) is default:
            handlers[kind] = ours
