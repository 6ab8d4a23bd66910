"""The command: `python -m <package>._engine.payloads --folder /mnt/payloads` receives until it is asked to end.

Not here: how events are received and written.
"""

from __future__ import annotations

import argparse
import logging
import re
import tempfile
from pathlib import Path
from typing import Any, List, Optional

import uvicorn

from .files import Files, Limits
from .names import Columns
from .pairs import Pairs
from .receiver import Bounds, Receiver

_MIB = 1 << 20
_DAY = 86400
#: What each number may be, from and to; nan is never in between.
_RANGES = {"port": (1, 65535), "share": (0, 1)}
_OTHERS = (0.001, 1_000_000)


def application(asked: argparse.Namespace) -> Receiver:
    """The receiver that the options ask for."""
    limits = Limits(int(asked.file_mib * _MIB), asked.file_seconds, asked.keep_days * _DAY, int(asked.keep_mib * _MIB))
    waiting = int(asked.waiting_mib * _MIB)
    return Receiver(
        Files(asked.folder, limits),
        Pairs(asked.answer_seconds, waiting),
        Columns(asked.model_url),
        Bounds(asked.share, int(asked.largest_mib * _MIB), waiting),
    )


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="payloads",
        description="Receives what KServe's logger posts, and writes requests and answers as gzipped JSON Lines.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def add(name: str, kind: Any, default: Any, text: str) -> None:
        made.add_argument(f"--{name}", type=kind, default=default, help=text)

    made.add_argument("--folder", type=Path, required=True, help="where files go; nobody else may write there")
    add("port", int, 8080, "the port")
    add("model_url", str, "", "V2's metadata of the model, http://HOST/v2/models/NAME, which tells columns' names")
    add("share", float, 1.0, "the share of requests that is written, by their ids")
    add("largest_mib", float, 8.0, "bodies that are larger are not written")
    add("waiting_mib", float, 32.0, "bodies that wait for the disk, and those that wait for answers: each so much")
    add("answer_seconds", float, 60.0, "how long a request waits for its answer before it is written without")
    add("file_mib", float, 64.0, "a file is finished when it is so large")
    add("file_seconds", float, 3600.0, "a file is finished when it is so old")
    add("keep_days", float, 30.0, "older files are deleted")
    add("keep_mib", float, 4096.0, "the oldest files are deleted where all are larger")
    return made


def problems(asked: argparse.Namespace) -> List[str]:
    """What does not fit of the options' values, a sentence each."""
    found = []
    for name, value in vars(asked).items():
        low, high = _RANGES.get(name, _OTHERS)
        if isinstance(value, (int, float)) and not low <= value <= high:
            found.append(f"--{name}: expected a number from {low} to {high}, got {value}")
    if asked.model_url and not re.match(r"https?://[^/\s]", asked.model_url):
        found.append(f"--model_url: expected an address such as http://HOST/v2/models/NAME, got {asked.model_url}")
    try:
        asked.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=asked.folder):
            pass
    except OSError as error:
        found.append(f"--folder: nothing can be written to {asked.folder}: {error.strerror}")
    return found


def main(arguments: Optional[List[str]] = None) -> None:
    """Receive until SIGTERM; what was taken in is written then."""
    options = parser()
    asked = options.parse_args(arguments)
    found = problems(asked)
    if found:
        options.exit(2, "".join(f"{options.prog}: error: {problem}\n" for problem in found))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    uvicorn.run(application(asked), host="0.0.0.0", port=asked.port, log_config=None, access_log=False, lifespan="on")


if __name__ == "__main__":
    main()
