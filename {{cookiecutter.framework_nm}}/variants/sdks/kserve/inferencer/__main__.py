"""The server command: `python -m <package>.inferencer --help`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import warnings
from pathlib import Path

from ..trainer._core import ModelError
from .config import read_arguments


def main() -> None:
    """Load the models, then serve them until SIGTERM; exit with one line if a model cannot be loaded."""
    arguments = read_arguments()

    gc.disable()  # starting makes much that stays, and next to no garbage
    import kserve
    import uvloop
    from kserve.model_server import app
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    from .health import add_liveness
    from .lane import Lane
    from .model import ServingDataPlane, ServingModel
    from .model_repository import ServingModelRepository, ServingRepositoryExtension
    from .openapi import show_example
    from .platforms import add_health_checks, predict_routes

    class Server(kserve.ModelServer):
        """KServe's, which would forget its models while gRPC requests are still being answered."""

        async def _serve(self) -> None:
            config = self._rest_server.config
            if config.http == "auto" and AutoHTTPProtocol.__name__ == "HttpToolsProtocol":
                config.http = f"{__package__}.connection:Connection"
            await super()._serve()

        def stop(self, sig: int) -> None:
            models, repository.models = repository.models, {}
            super().stop(sig)
            repository.models = models

    def make_model(name: str, directory: Path) -> ServingModel:
        return ServingModel(
            name,
            directory,
            arguments.runtime,
            arguments.device,
            arguments.predict_proba,
            arguments.max_batch_rows,
            arguments.max_waiting,
            arguments.stuck_seconds,
        )

    repository = ServingModelRepository(arguments.model_dir, arguments.model_name, make_model)
    server = Server(registered_models=repository)
    server.dataplane = ServingDataPlane(repository)
    server.model_repository_extension = ServingRepositoryExtension(repository)
    _quieten(arguments)
    try:
        repository.load_models()
    except ModelError as error:
        sys.exit(f"The server cannot start: {error}")
    models = list(repository.get_models().values())
    show_example(app, models[0])
    add_liveness(app, repository)
    add_health_checks(app, repository)
    routes = predict_routes(repository)
    # KServe wraps its application once more when it starts; this is where the lane still comes first.
    kserve_stack = app.build_middleware_stack
    app.build_middleware_stack = lambda: Lane(
        kserve_stack(), repository, arguments.max_buffer_size, arguments.access_log, routes
    )
    gc.freeze()
    gc.enable()
    # KServe configures one event loop and runs another, which would be asyncio's own and slower.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())  # the one that it configures
    server.start(models)


def _quieten(arguments: argparse.Namespace) -> None:
    """Log no request unless asked to: a line each costs more than a light model does. The lane has its own."""
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    if not arguments.enable_latency_logging:
        logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    logging.getLogger("kserve").addFilter(_shorten)
    # KServe's to mend, and nothing that whoever starts a server can act on.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")


def _shorten(record: logging.LogRecord) -> bool:
    """A request that cannot be answered is a line in the log, and not a traceback: anybody can make thousands.

    What the model's own code raised is logged where it is caught, with its traceback.
    """
    from kserve.errors import InferenceError, InvalidInput, ModelNotFound

    if record.exc_info and isinstance(
        record.exc_info[1], (InferenceError, InvalidInput, ModelNotFound, NotImplementedError)
    ):
        record.exc_info = None
    return True


if __name__ == "__main__":
    main()
