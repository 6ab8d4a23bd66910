"""The scoring command: `python -m <package>.score IN OUT` answers the rows of tables with your model."""

from pathlib import Path

from ._engine.scoring.installed import require_scoring
from .trainer.model import MyModel


def main() -> None:
    """Score the tables that the command line names."""
    require_scoring()
    # A server's environment lacks what this imports.
    from ._engine.scoring.command import run

    run(MyModel, Path(__file__).parent)


if __name__ == "__main__":
    main()
