"""Networks that were made elsewhere: TorchScript, what torch.export makes, or weights for `make_network` in model.py.

Not here: the network that is trained, and how any of them answers (model.py).
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ._core import Model, ModelError, Signature
from .network import NetworkHyperparameters

#: Names of weights in a message, at most.
NAMES = 8


class Importable(Model):
    """A model that may also have been made elsewhere."""

    OTHER_WEIGHTS = ("model.pt", "model.pt2")  # TorchScript, and what torch.export makes
    IMPORTS = ("*.safetensors", "*.pt", "*.pt2")

    options: NetworkHyperparameters
    #: The file of a network that needs no make_network; and what a row of any that was imported is, where it tells.
    file: Path
    shape: tuple[int, ...] | None

    def open_weights(self, path: Path) -> None:
        self.weights = f"model{path.suffix}"
        if self.weights == self.WEIGHTS:
            self._take(path)
        else:
            self.restore(path)

    def _take(self, path: Path) -> None:
        """Read the weights of a network that make_network makes, whose sizes they tell."""
        from safetensors.torch import load_file
        from torch import nn

        from .model import make_network

        weights, sizes = load_file(path), self.options.model_dump(include={"layers", "width", "dropout"})
        names = list(make_network([1], 1, **sizes).state_dict())
        if set(names) != set(weights):
            raise ModelError(
                f"{path} has other weights than the network that make_network in model.py makes: it has "
                f"{_listed(weights)}, and that has {_listed(names)}. Give its --layers and --width, or make the same "
                "network there"
            )
        matrices = [weights[name] for name in names]
        self.shape, scores = tuple(matrices[0].shape[1:]), len(matrices[-1])
        self.state["network"] = {"shape": list(self.shape), "scores": scores, **sizes}
        self.model = nn.Sequential(make_network(**self.state["network"]), nn.Identity()).eval()
        try:
            self.model[0].load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).replace("\n\t", " ")
            raise ModelError(
                f"{path} does not fit the network that make_network in model.py makes: {reason} Give its --layers and "
                "--width, or make the same network there"
            ) from None

    def restore(self, path: Path) -> None:
        """Read a network that needs no make_network."""
        import torch

        self.file, self.shape = path, None
        if path.suffix == ".pt2":
            program = torch.export.load(path)
            self.shape = tuple(program.example_inputs[0][0].shape[1:])
            self.model = program.module()
            return
        try:
            with warnings.catch_warnings():
                # There are many such files, whatever PyTorch advises.
                warnings.simplefilter("ignore", DeprecationWarning)
                self.model = torch.jit.load(path, map_location="cpu").eval()
        except RuntimeError:
            raise ModelError(
                f"{path} is no TorchScript: save the network with torch.jit.script or torch.export, or its state_dict "
                "as safetensors, for make_network in model.py"
            ) from None

    def dump(self, path: Path) -> None:
        """Write a network that needs no make_network."""
        shutil.copyfile(self.file, path)

    def read_signature(self, X: Any = None) -> Signature:
        shape = self.shape or (None if X is None else (X.shape[1],))
        if shape is None:
            raise ValueError("the file does not tell how many columns it takes: give --data, a table that has them")
        return self.read_network(X, lambda rows: self.infer(rows, True), shape)  # which are raw scores as yet

    def check_exportable(self) -> None:
        """Raise NotImplementedError of a network that was imported, unless its answers are its scores as they are."""
        if self.weights != self.WEIGHTS or self.state.get("head"):
            raise NotImplementedError("there is none for a network that was imported")


def _listed(names: Iterable[str]) -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:NAMES] + ["..."] * (len(listed) > NAMES))
