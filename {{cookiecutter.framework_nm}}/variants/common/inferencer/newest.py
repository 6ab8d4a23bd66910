"""Which model `make serve` serves, and `make predict` asks: `python -m <package>.inferencer.newest` prints where it is.

With the name of a file, such as input.json, it prints where that model's is.
"""

import sys
from pathlib import Path

from .._engine.serving.newest import run
from ..trainer.model import MyModel

if __name__ == "__main__":
    run(MyModel, Path(__file__).parents[1], *sys.argv[1:])
