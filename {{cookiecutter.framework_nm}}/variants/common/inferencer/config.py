"""What can be set about the server: the engine's options, and those that you add here.

Not here: anything that imports the serving SDK, which reads the command line while it is imported.
"""

import argparse

from .._engine.sdk import config


def read_arguments() -> argparse.Namespace:
    """Read command line and environment; exit with a message where an option is unknown or does not fit."""
    options = config.options(f"python -m {__package__}")
    # Yours: options.add("greeting", "hello", str, "what the server says") is --greeting and the variable GREETING.
    return config.read(options)
