"""Whether what training needs is installed. It imports nothing of that. Not here: what it is, which setup.py says."""

from __future__ import annotations

import importlib.util
import sys

#: Of what the extra `train` brings, what the training command imports, and serving does not.
_MODULES = ("pydantic_settings", "rich")


def require_training() -> None:
    """Exit with a line where the extra `train` is not installed."""
    missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if missing:
        package = __package__.split(".")[0]
        sys.exit(
            f"Training needs the extra `train`, without which {' and '.join(missing)} are missing: "
            f"pip install '{package}[train]', or make install in the project"
        )
