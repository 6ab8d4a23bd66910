"""The pages for people: a form for each model at /, and all routes at /docs. Both are page.html.

Not here: what they show. Their script reads it from /openapi.json, which openapi.py makes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

_HTML = Path(__file__).with_name("page.html").read_text(encoding="utf-8")


class _ForBrowsers(Route):
    """A route for requests that ask for HTML first, as browsers do; the path's next route answers the others."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        accept = dict(scope.get("headers", ())).get(b"accept", b"")
        first = re.split(rb"[,;]", accept, maxsplit=1)[0].strip().lower()
        return super().matches(scope) if first == b"text/html" else (Match.NONE, {})


def add_pages(app: FastAPI, docs: bool, metrics: bool) -> None:
    """Show the pages if `docs`, and say of /docs and /metrics how to turn them on where they are off.

    Call it before liveness and KServe's routes are added: the first route of a path is the one that answers.
    """
    if docs:
        page = _page()
        app.router.routes.append(_ForBrowsers("/", page))
        app.add_route("/docs", page, include_in_schema=False)
    else:
        app.add_route("/docs", _turned_off("--enable_docs_url=true shows it"), include_in_schema=False)
    if not metrics:
        app.add_route("/metrics", _turned_off("--enable_metrics_url=true shows them"), include_in_schema=False)


def _page() -> Callable[[Request], Awaitable[Response]]:
    """The page, whose own script and style are the only ones that a browser may run there."""
    allowed = {tag: _digest(tag) for tag in ("script", "style")}
    headers = {
        "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"connect-src 'self'; img-src data:; script-src {allowed['script']}; style-src {allowed['style']}",
        "referrer-policy": "no-referrer",
        "vary": "accept",
        "x-content-type-options": "nosniff",
    }

    async def page(request: Request) -> Response:
        return HTMLResponse(_HTML, headers=headers)

    return page


def _digest(tag: str) -> str:
    """The source that a Content-Security-Policy names an element of the page by."""
    content = _HTML.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _turned_off(how_to: str) -> Callable[[Request], Awaitable[Response]]:
    async def turned_off(request: Request) -> Response:
        return JSONResponse({"error": f"{request.url.path} is turned off: {how_to}"}, 404)

    return turned_off
