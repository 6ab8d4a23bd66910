"""Whether what scoring needs is installed. It imports nothing of that."""

from __future__ import annotations

import importlib.util
import sys


def require_scoring() -> None:
    """Exit with a line where neither the extra `score` nor `train` is installed."""
    if importlib.util.find_spec("pyarrow") is None:
        package = __package__.split(".")[0]
        sys.exit(f"Scoring needs pyarrow, which the extra `score` brings: pip install '{package}[score]'")
