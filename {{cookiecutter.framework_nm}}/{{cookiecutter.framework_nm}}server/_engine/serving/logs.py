"""The log: each line in one form, text or JSON, on standard error, whichever library it comes from.

Not here: what is logged. What a library writes past Python's logging, and what the owner's code prints, stays as it is.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import threading
import time
from typing import Any, Dict

import orjson

from ..artifact.addresses import Redacting

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
#: One line per request, where that is asked for: its fields are the record's `fields`.
ACCESS = logging.getLogger("inference.access")

#: Characters of a message, of a traceback or of a field, which may repeat all that a client has sent.
_LONGEST = 65_536
_COLOURS = re.compile("\x1b\\[[0-9;]*[A-Za-z]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class _Worth(logging.Filter):
    """Leaves out records that say nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info or record.exc_text or record.getMessage().strip())


class _Form(logging.Formatter):
    """What both forms have in common: text without colours, empty lines, and what a client could end a line with."""

    def message(self, record: logging.LogRecord) -> str:
        return _plain(record.getMessage()).strip().replace("\n", "\\n")

    def traceback(self, record: logging.LogRecord) -> str:
        """Where an error came from, or ""."""
        text = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        return "\n".join(line for line in _plain(text).split("\n") if line.strip())

    def fields(self, record: logging.LogRecord) -> Dict[str, Any]:
        found: Dict[str, Any] = getattr(record, "fields", {})
        return {name: _plain(value) if isinstance(value, str) else value for name, value in found.items()}


class Text(_Form):
    """2026-01-31 12:00:00.123 INFO logger: message, and the lines of a traceback after it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_word(value)}" for name, value in self.fields(record).items() if value is not None)
        line = f"{_time(record, ' ')} {record.levelname} {record.name}: {self.message(record)}{fields}"
        traceback = self.traceback(record)
        return f"{line}\n{traceback}" if traceback else line


class Json(_Form):
    """An object with time, level, logger and message; the traceback of an error is its exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_time(record, 'T')}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
            **self.fields(record),
        }
        traceback = self.traceback(record)
        if traceback:
            line["exception"] = traceback
        return orjson.dumps(line, default=str).decode()


def _time(record: logging.LogRecord, between: str) -> str:
    """When it was, in UTC."""
    return f"{time.strftime(f'%Y-%m-%d{between}%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}"


def _word(value: object) -> str:
    """A field's value, in quotes where it could be taken for further ones."""
    return str(value) if re.fullmatch(r"[\w.:/-]+", str(value)) else orjson.dumps(str(value)).decode()


def _plain(text: str) -> str:
    text = _COLOURS.sub("", text).encode("utf-8", "replace").decode()
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]} ... {len(text) - _LONGEST} characters more ... {text[-half:]}"
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


def configure(arguments: argparse.Namespace) -> None:
    """Write all that is logged as the options say, without the secrets of the model's address.

    Call it once the SDK is imported, and before it logs: KFServing and Tornado bring forms of their own.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if arguments.log_format == "json" else Text())
    handler.addFilter(_Worth())
    handler.addFilter(Redacting(arguments.model_dir))
    root = logging.getLogger()
    for other in root.handlers[:]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(arguments.log_level.upper())
    ACCESS.setLevel(logging.INFO)  # asked for by an option of its own
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what matters, it raises as well


def _log_uncaught(kind: Any, error: Any, traceback: Any) -> None:
    logging.getLogger(__name__).critical("Nobody caught this error", exc_info=(kind, error, traceback))
