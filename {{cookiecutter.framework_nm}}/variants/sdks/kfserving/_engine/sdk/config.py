"""What can be set about the server.

KFServing reads options of the same names off the command line while it is imported, and exits in its own words where
they do not fit. So this module imports nothing of KFServing, and the server calls `read` first.
"""

from __future__ import annotations

import argparse

from ..serving.options import Options


def options(prog: str) -> Options:
    """The options of the server command `prog`."""
    return Options(
        prog=prog,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Serve a model over REST. Environment variables, in brackets below, set options too.",
    )


def read(ours: Options) -> argparse.Namespace:
    """Read command line and environment; exit with a message where an option is unknown or does not fit."""
    return ours.parse_args()
