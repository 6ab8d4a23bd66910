"""Lines of the log: one record is one line, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from _engine.serving.logs import Json, Text

HOSTILE = "a\nb\r\x1b[31mred\x1b[0m\x07\u2028\ud800"


def record(message: str, **more: object) -> logging.LogRecord:
    found = logging.LogRecord("name", logging.WARNING, "file", 1, message, (), None)
    found.__dict__.update(more)
    return found


@pytest.mark.parametrize("form", [Text(), Json()])
def test_a_record_is_one_line(form: logging.Formatter) -> None:
    line = form.format(record(HOSTILE, fields={"model": HOSTILE, "request_id": None}))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line and "\x07" not in line


def test_a_line_of_text_cannot_be_given_further_fields() -> None:
    line = Text().format(record("request", fields={"model": "m status=200", "status": 404}))
    assert line.endswith(' WARNING name: request model="m status=200" status=404')


def test_json_has_time_level_logger_message_and_the_traceback() -> None:
    try:
        raise ValueError("one\n\n\x1b[31mtwo")
    except ValueError:
        line = json.loads(Json().format(record("it failed", exc_info=sys.exc_info(), created=0.0, msecs=7.0)))
    assert line.pop("exception").splitlines()[-2:] == ["ValueError: one", "two"]
    assert line == {
        "time": "1970-01-01T00:00:00.007Z",
        "level": "warning",
        "logger": "name",
        "message": "it failed",
    }


@pytest.mark.parametrize("form", [Text(), Json()])
def test_a_line_does_not_grow_with_what_a_client_sends(form: logging.Formatter) -> None:
    long = "begin" + "x" * 10_000_000 + "end"
    try:
        raise ValueError(long)
    except ValueError:
        line = form.format(record(long, fields={"model": long}, exc_info=sys.exc_info()))
    assert len(line) < 500_000
    assert line.count("beginxxx") == line.count("xxxend") == 3
