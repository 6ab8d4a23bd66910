"""The training command: `python -m <package>.trainer --help`."""

from .._engine.training.command import run
from .config import Settings
from .model import MyModel


def main() -> None:
    """Train, evaluate and save a model, by the settings of the command line."""
    run(MyModel, Settings)


if __name__ == "__main__":
    main()
