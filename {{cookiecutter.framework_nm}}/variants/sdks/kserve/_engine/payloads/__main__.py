"""The command: `python -m <package>._engine.payloads --folder /mnt/payloads` receives until it is asked to end.

Not here: how events are received and written.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any, List, Optional

import uvicorn

from .files import Files, Limits
from .names import Columns
from .pairs import Pairs
from .receiver import Bounds, Receiver

_MIB = 1 << 20
_DAY = 86400


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
    add("share", _share, 1.0, "the share of requests that is written, by their ids")
    add("largest_mib", float, 8.0, "bodies that are larger are not written")
    add("waiting_mib", float, 32.0, "bodies that wait for the disk, and those that wait for answers: each so much")
    add("answer_seconds", float, 60.0, "how long a request waits for its answer before it is written without")
    add("file_mib", float, 64.0, "a file is finished when it is so large")
    add("file_seconds", float, 3600.0, "a file is finished when it is so old")
    add("keep_days", float, 30.0, "older files are deleted")
    add("keep_mib", float, 4096.0, "the oldest files are deleted where all are larger")
    return made


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text}")
    return share


def main(arguments: Optional[List[str]] = None) -> None:
    """Receive until SIGTERM; what was taken in is written then."""
    asked = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    uvicorn.run(application(asked), host="0.0.0.0", port=asked.port, log_config=None, access_log=False, lifespan="on")


if __name__ == "__main__":
    main()
