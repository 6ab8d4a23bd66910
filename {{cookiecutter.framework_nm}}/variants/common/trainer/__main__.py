"""The training command: `python -m <package>.trainer --help`."""

from .._engine.training.installed import require_training


def main() -> None:
    """Train, evaluate and save a model, by the settings of the command line."""
    require_training()
    # A server's environment lacks what these import.
    from .._engine.training.command import run
    from .config import Settings
    from .model import MyModel

    run(MyModel, Settings)


if __name__ == "__main__":
    main()
