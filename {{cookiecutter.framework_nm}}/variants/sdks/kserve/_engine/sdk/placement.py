"""Where predictions are answered: in front of KServe's application, or inside of the middleware that its owner added.

In front costs least, most of all on the connections themselves. The owner's middleware, such as CORS or
OpenTelemetry's, has to see every request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

#: Where those come from that KServe adds. They measure and log what it answers itself.
_KSERVE = {"timing_asgi", "asgi_logger"}
Wrap = Callable[[ASGIApp], ASGIApp]


def is_plain(app: FastAPI, stack: ASGIApp) -> bool:
    """Whether nothing in the built `stack` of `app` has to see predictions."""
    added = _classes(stack, app.router) - _usual()
    return all(kind.__module__.partition(".")[0] in _KSERVE for kind in added)


def place(app: FastAPI, stack: ASGIApp, predictions: Wrap, others: Wrap) -> ASGIApp:
    """Put what answers `predictions` in front of the built `stack` of `app`, or inside, where the router is called.

    `others` is put around the stack, for the requests that predictions leave to it.
    """
    if is_plain(app, stack):
        return predictions(others(stack))
    router: Any = app.router
    router.middleware_stack = predictions(router.middleware_stack)
    return others(stack)


def _classes(stack: Any, router: object) -> set[type]:
    """The classes that a request passes on its way to the router, as far as they can be followed."""
    found = set()
    while stack is not None and stack is not router:
        found.add(type(stack))
        stack = getattr(stack, "app", None)
    return found


@functools.cache
def _usual() -> set[type]:
    """Those that any application of FastAPI has. What else is in a stack was added, however that was done."""
    plain = FastAPI()
    plain.user_middleware.clear()  # instrumentation may add to each application
    return _classes(FastAPI.build_middleware_stack(plain), plain.router)
