"""The server command: `python -m <package>.inferencer --help`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import warnings
from typing import TYPE_CHECKING

from ..contract.errors import ModelError
from ..serving.model import maker

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from .model import ServingModel
    from .repository import ServingModelRepository


def serve(
    model_class: type[ServingModel], repository_class: type[ServingModelRepository], arguments: argparse.Namespace
) -> None:
    """Load the models, then serve them until SIGTERM; exit with one line if a model cannot be loaded."""
    gc.disable()  # starting allocates much that stays, and next to no garbage
    from kserve.model_server import app

    from ..serving.calls import Desk
    from ..serving.gate import limits
    from .bodies import Bodies
    from .errors import answer_errors
    from .health import add_liveness
    from .metadata import add_metadata
    from .openapi import document_models
    from .page import add_pages
    from .placement import place
    from .platforms import add_health_checks, predict_routes
    from .predictions import Predictions, asked
    from .repository import RepositoryAccess
    from .server import Server
    from .versions import Versions

    repository = repository_class(arguments.model_dir, arguments.model_name, maker(model_class, arguments))
    repository.enable_latency_logging = arguments.enable_latency_logging
    desk: Desk[ServingModel] = Desk(repository.get_model, limits(arguments), arguments.access_log)
    server = Server(repository, desk, arguments.drain_seconds, arguments.enable_repository_api)
    _quieten(arguments)
    try:
        repository.load_models(arguments.allow_no_models)
    except ModelError as error:
        sys.exit(f"The server cannot start: {error}")
    add_pages(app, arguments.enable_docs_url, arguments.enable_metrics_url)
    add_liveness(app, repository)
    add_metadata(app, server.dataplane, repository)
    add_health_checks(app, server.dataplane)
    answer_errors(app)
    paths = predict_routes(repository)
    document_models(app, repository, paths, arguments.enable_repository_api, arguments.enable_metrics_url)

    def predictions(stack: ASGIApp) -> ASGIApp:
        return Predictions(stack, desk, paths)

    def others(stack: ASGIApp) -> ASGIApp:
        access = RepositoryAccess(Versions(stack, repository), arguments.enable_repository_api)
        seconds = arguments.deadline_seconds
        return Bodies(access, arguments.max_buffer_size, seconds, lambda scope: asked(scope, paths))

    # KServe wraps its application once more when it starts: by then all that its owner added is there.
    kserve_stack = app.build_middleware_stack
    app.build_middleware_stack = lambda: place(app, kserve_stack(), predictions, others)
    gc.freeze()
    gc.enable()
    _choose_event_loop()
    asyncio.set_event_loop(asyncio.new_event_loop())  # the one that it configures
    # The repository has the models. Passed here as well, they would be kept after they are replaced.
    server.start([])


def _choose_event_loop() -> None:
    """Run uvloop where there is one: not on Windows. KServe configures it, and then runs the slower one of asyncio."""
    try:
        import uvloop
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def _quieten(arguments: argparse.Namespace) -> None:
    """Log no request unless asked to: a line each costs more than a light model does. calls.py logs its own."""
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    if not arguments.enable_latency_logging:
        logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    logging.getLogger("kserve").addFilter(_shorten)
    # For KServe to fix: whoever starts a server cannot act on it.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")


def _shorten(record: logging.LogRecord) -> bool:
    """A request that cannot be answered is a line in the log, and not a traceback: anybody can make thousands.

    What the model's own code raised is logged where it is caught, with its traceback.
    """
    from kserve.errors import InferenceError, InvalidInput, ModelNotFound, ModelNotReady, ServerNotReady

    expected = (InferenceError, InvalidInput, ModelNotFound, ModelNotReady, ServerNotReady, NotImplementedError)
    if record.exc_info and isinstance(record.exc_info[1], expected):
        record.exc_info = None
    return True
