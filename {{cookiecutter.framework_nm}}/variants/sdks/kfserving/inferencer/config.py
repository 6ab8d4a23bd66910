"""Everything that can be set about the server.

KFServing reads options of the same names off the command line while it is imported, and exits in its own words where
they do not fit. So this module imports nothing of KFServing, and the server calls `read_arguments` first.
"""

from __future__ import annotations

import argparse

from .options import Options


def read_arguments() -> argparse.Namespace:
    """Read command line and environment; exit with a message where an option is unknown or does not fit."""
    return Options(
        prog=f"python -m {__package__}",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Serve a model over REST. Options that name a variable read it from there too.",
    ).parse_args()
