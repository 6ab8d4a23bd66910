"""Networks that were made elsewhere, in Paddle's inference format.

Not here: the network that is trained, and how either is run and answers (model.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ._core import Model, Signature


class Importable(Model):
    """A model that may also have been made elsewhere."""

    IMPORTS = ("*/*.pdiparams",)

    #: The folder of a network that was not trained in this process.
    saved: Path | None

    def read_signature(self, X: Any = None) -> Signature:
        from .model import _paddle

        assert self.saved
        program, _ = find_files(self.saved)
        shapes = [spec.shape for spec in _paddle().jit.load(str(Path(program).with_suffix("")))._input_spec()]
        if len(shapes) > 1 or len(shapes[0]) != 2 or shapes[0][1] < 1:
            raise ValueError(f"expected one input [rows, columns]; the model takes {shapes}")
        return self.read_network(X, self.model, (shapes[0][1],))


def find_files(folder: Path) -> tuple[str, str]:
    """The program in a folder, in today's form or the one before, and the weights that go with it."""
    (weights,) = folder.glob("*.pdiparams")
    (program,) = [file for file in map(weights.with_suffix, (".json", ".pdmodel")) if file.exists()]
    return str(program), str(weights)
