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


def answer_errors(app: FastAPI) -> None:
    """Have FastAPI answer errors in this form, but for those that the owner answers otherwise."""
    handlers: dict[Any, Any] = app.exception_handlers
    for kind, default, ours in (
        (HTTPException, http_exception_handler, _http),
        (RequestValidationError, request_validation_exception_handler, _validation),
    ):
        if handlers.get(kind) is default:
            handlers[kind] = ours
