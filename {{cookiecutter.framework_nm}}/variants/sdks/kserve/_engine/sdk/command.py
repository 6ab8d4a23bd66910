"""The server command: `python -m <package>.inferencer --help`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
from typing import TYPE_CHECKING

from ..contract.errors import ModelError
from ..serving.deferring import import_without
from ..serving.model import maker

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from .model import ServingModel
    from .repository import ServingModelRepository

logger = logging.getLogger(__name__)

#: What KServe imports for its clients, to answer with tables, and to be configured by files; and httpx's command.
_UNUSED = (
    *("kserve.api.kserve_client", "kserve.api_client", "kserve.configuration", "kserve.models"),
    *("pandas", "yaml", "httpx._main"),
)
import_without("kserve", *_UNUSED)


def serve(
    model_class: type[ServingModel], repository_class: type[ServingModelRepository], arguments: argparse.Namespace
) -> None:
    """Load the models, then serve them until SIGTERM; exit with one line if a model cannot be loaded."""
    gc.disable()  # starting allocates much that stays, and next to no garbage
    from kserve.model_server import app

    from ..serving.access import Access
    from ..serving.calls import Desk
    from ..serving.gate import limits
    from . import logs, tracing
    from .access import RepositoryAccess, share
    from .bodies import Bodies
    from .errors import answer_errors, refuse_methods
    from .health import add_liveness
    from .metadata import add_metadata
    from .openapi import document_models
    from .page import add_pages
    from .placement import is_plain, place
    from .platforms import add_health_checks, predict_routes
    from .predictions import Predictions, asked
    from .server import Server
    from .versions import Versions

    logs.configure(arguments)
    repository = repository_class(arguments.model_dir, arguments.model_name, maker(model_class, arguments))
    repository.enable_latency_logging = arguments.enable_latency_logging
    desk: Desk[ServingModel] = Desk(repository.get_model, limits(arguments), arguments.access_log)
    access = Access(arguments.enable_repository_api, arguments.api_key_file)
    desk.trace = tracing.start()
    server = Server(repository, desk, arguments.drain_seconds, access)
    try:
        repository.load_models(arguments.allow_no_models)
    except ModelError as error:
        logger.critical("The server cannot start: %s", error)
        sys.exit(1)
    add_pages(app, arguments.enable_docs_url, arguments.enable_metrics_url)
    add_liveness(app, repository)
    add_metadata(app, server.dataplane, repository)
    add_health_checks(app, server.dataplane)
    refuse_methods(app)
    answer_errors(app)
    app.router.redirect_slashes = False  # to a host that the client names
    paths = server.direct.paths = predict_routes(repository)
    document_models(app, repository, paths, arguments.enable_repository_api, arguments.enable_metrics_url)

    def predictions(stack: ASGIApp) -> ASGIApp:
        return Predictions(stack, desk, paths)

    def others(stack: ASGIApp) -> ASGIApp:
        guarded = RepositoryAccess(Versions(stack, repository), access)
        seconds = arguments.deadline_seconds
        return Bodies(guarded, arguments.max_buffer_size, seconds, lambda scope: asked(scope, paths))

    # KServe wraps its application once more when it starts: by then all that its owner added is there.
    kserve_stack = app.build_middleware_stack

    def stack() -> ASGIApp:
        built = kserve_stack()
        server.direct.open = is_plain(app, built)
        return share(place(app, built, predictions, others), arguments.cors_origins)

    app.build_middleware_stack = stack
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
