"""How far a table is from what a model was trained on: `python -m <package>.trainer.drift MODEL_DIR FILE`."""

from .._engine.training.installed import require_training


def main() -> None:
    """Compare, print how far each column moved, and write a page."""
    require_training()
    # A server's environment lacks what these import.
    from .._engine.training.drifting import run
    from .model import MyModel

    run(MyModel)


if __name__ == "__main__":
    main()
