"""What KServe and its libraries log: as far as somebody can act on it, and without a traceback for what clients do.

In which form all lines are written: serving/logs.py.
"""

from __future__ import annotations

import argparse
import logging
import warnings

from kserve.errors import InferenceError, InvalidInput, ModelNotFound, ModelNotReady, ServerNotReady

from ..serving import logs
from .repository import LoadFailed

_EXPECTED = (InferenceError, InvalidInput, ModelNotFound, ModelNotReady, ServerNotReady, NotImplementedError)


def configure(arguments: argparse.Namespace) -> None:
    """Log no request unless asked to: a line each costs more than a light model does. calls.py logs its own."""
    logs.configure(arguments)
    logging.getLogger("uvicorn.access").disabled = True
    if not arguments.enable_latency_logging:
        logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    logging.getLogger("kserve").addFilter(_shorten)
    # For KServe to fix: whoever starts a server cannot act on it.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")


def _shorten(record: logging.LogRecord) -> bool:
    """A request that cannot be answered is a line in the log, and not a traceback: anybody can make thousands.

    What the model's own code raised is logged where it is caught, with its traceback.
    """
    error = record.exc_info[1] if record.exc_info else None
    if record.funcName == "intercept_service" or isinstance(error, LoadFailed):  # each call over gRPC; loading.py's
        return False
    if isinstance(error, _EXPECTED):
        record.exc_info = None
        record.msg, record.args = "%s", (error,)
        record.levelno, record.levelname = logging.INFO, "INFO"
        return logging.getLogger(record.name).isEnabledFor(logging.INFO)
    return True
