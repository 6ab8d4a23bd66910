"""The model: what is trained, and how it answers. Put your own layers into `make_network`."""

from __future__ import annotations

import copy
import importlib.metadata
import math
from pathlib import Path
from typing import Any

import numpy as np

from ._core import HeldOut, ModelError
from .importing import Importable
from .network import SEARCH, NetworkHyperparameters, learn
from .on_torch import export, move, use_one_thread
from .preprocessor import encode, learn_encoding


class Hyperparameters(NetworkHyperparameters):
    """What `build` takes; each is an option of the training command too. Add your own to those in network.py."""


def make_network(shape: list[int], scores: int, layers: int, width: int, dropout: float) -> Any:
    """Make a network, still to be trained, from encoded input, [rows, *shape], to [rows, scores].

    Scores are raw ones of the labels, or the number predicted, standardised.
    """
    from torch import nn

    widths = [math.prod(shape), *[width] * layers]
    hidden = [(nn.Linear(n, width), nn.ReLU(), nn.Dropout(dropout)) for n in widths[:-1]]
    return nn.Sequential(nn.Flatten(), *[part for parts in hidden for part in parts], nn.Linear(widths[-1], scores))


class MyModel(Importable):
    """A PyTorch network over standardised numbers and one-hot categories."""

    FRAMEWORK = "pytorch"
    WEIGHTS = "model.safetensors"
    SEARCH = SEARCH

    @staticmethod
    def version() -> str:
        return importlib.metadata.version("torch").partition("+")[0]  # after it comes the device that the build is for

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None) -> None:
        import torch
        from torch import nn

        torch.manual_seed(self.options.seed)
        torch.set_num_threads(self.threads)
        self.state["encoding"] = learn_encoding(X, self.min_count)
        parts = [part for part in (HeldOut(X, y, None), valid) if part]
        inputs = [torch.from_numpy(self.encode(part.X)).to(self.device) for part in parts]
        self.state["network"] = {
            "shape": list(inputs[0].shape[1:]),
            "scores": 1 if self.labels is None else len(self.labels),
            **self.options.model_dump(include={"layers", "width", "dropout"}),
        }
        self._assemble()
        network, head = self.model
        if self.labels is None:
            mean, deviation = y.mean(), y.std() or 1.0
            nn.init.constant_(head.weight, deviation)
            nn.init.constant_(head.bias, mean)
            loss: Any = nn.MSELoss()
            targets = [torch.tensor((part.y - mean) / deviation, dtype=torch.float32)[:, None] for part in parts]
        else:
            loss = nn.CrossEntropyLoss()
            targets = [torch.from_numpy(np.searchsorted(self.labels, part.y)) for part in parts]
        self.place()
        self._learn(network, loss, inputs, [part.to(self.device) for part in targets])

    def _assemble(self) -> None:
        """The network, and behind it what makes probabilities, or the number predicted, of its scores."""
        from torch import nn

        head = nn.Linear(1, 1) if self.task == "regression" else nn.Softmax(dim=1)
        if self.imported:  # without a head
            head = nn.Identity()
        self.model = nn.Sequential(make_network(**self.state["network"]), head).eval()

    def _learn(self, network: Any, loss: Any, inputs: list[Any], targets: list[Any]) -> None:
        """Train on the first of each list, until the second one, where there is one, is answered no better."""
        import torch

        options = self.options
        optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)

        def step(rows: np.ndarray) -> None:
            network.train()
            optimizer.zero_grad()
            loss(network(inputs[0][rows]), targets[0][rows]).backward()
            optimizer.step()

        def measure() -> float:
            network.eval()
            with torch.inference_mode():
                return float(loss(network(inputs[1]), targets[1]))

        def copy_weights() -> Any:
            return copy.deepcopy(network.state_dict())

        learn(self, len(inputs[0]), options, step, measure, copy_weights, network.load_state_dict)
        network.eval()

    def encode(self, X: Any) -> Any:
        return np.asarray(X, np.float32) if self.imported else encode(X, self.state["encoding"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        import torch

        with torch.inference_mode():
            scores = self.model(torch.as_tensor(X, dtype=torch.float32, device=self.device))
        return self.from_scores(scores.cpu().numpy(), proba)

    def to_onnx(self) -> bytes:
        import torch

        self.check_exportable()
        example = torch.zeros(2, *self.state["network"]["shape"])
        return export(copy.deepcopy(self.model).cpu(), example, {0: "rows"})

    def dump(self, path: Path) -> None:
        from safetensors.torch import save

        if self.weights != self.WEIGHTS:
            return super().dump(path)
        path.write_bytes(save(self.model.state_dict()))  # its save_file makes a file that only its owner may read

    def restore(self, path: Path) -> None:
        from safetensors.torch import load_file

        use_one_thread()
        if self.weights != self.WEIGHTS:
            return super().restore(path)
        self._assemble()
        try:
            self.model.load_state_dict(load_file(path))
        except RuntimeError as error:
            reason = str(error).replace("\n\t", " ")
            raise ModelError(f"{path} does not fit the network that make_network in model.py makes: {reason}") from None

    def place(self) -> None:
        move(self.model, self.device)
