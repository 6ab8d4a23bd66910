"""The server command: `python -m <package>.inferencer --help`."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from typing import TYPE_CHECKING

from ..contract.errors import ModelError
from ..serving import logs
from ..serving.access import Access
from ..serving.calls import Desk
from ..serving.deferring import import_without
from ..serving.drain import end_at_sigterm
from ..serving.gate import limits
from ..serving.model import maker

if TYPE_CHECKING:
    from .model import ServingModel
    from .repository import ServingModelRepository

logger = logging.getLogger(__name__)

#: What KFServing imports for its clients, and for stores.
_UNUSED = ("kfserving.api.kf_serving_client", "kfserving.api_client", "kfserving.models", "kfserving.storage")
import_without("kfserving", *_UNUSED, "pandas")


def serve(
    model_class: type[ServingModel], repository_class: type[ServingModelRepository], arguments: argparse.Namespace
) -> None:
    """Load the models, then serve them until SIGTERM; exit with one line if a model cannot be loaded."""
    with warnings.catch_warnings():
        # KFServing's dependencies warn of this Python's age a dozen times; the README says it once.
        warnings.simplefilter("ignore")
        from .server import Server

    logs.configure(arguments)
    end_at_sigterm()  # ray, which KFServing imports, has put a handler of its own in its place
    repository = repository_class(arguments.model_dir, arguments.model_name, maker(model_class, arguments))
    desk: Desk[ServingModel] = Desk(repository.get_model, limits(arguments), arguments.access_log)
    access = Access(arguments.enable_repository_api, arguments.api_key_file)
    server = Server(repository, desk, arguments.http_port, arguments.drain_seconds, access, arguments.cors_origins)
    try:
        repository.load_models(arguments.allow_no_models)
    except ModelError as error:
        logger.critical("The server cannot start: %s", error)
        sys.exit(1)
    # The repository has the models. Passed here as well, they would be kept after they are replaced.
    server.start([])
