"""The model: what is trained, and how it answers. Put your own layers into `make_network`."""

from __future__ import annotations

import copy
import importlib.metadata
import math
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ._core import Column, HeldOut, Model, ModelError, Signature
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


class MyModel(Model):
    """A PyTorch network over standardised numbers and one-hot categories."""

    FRAMEWORK = "pytorch"
    WEIGHTS = "model.safetensors"
    OTHER_WEIGHTS = ("model.pt", "model.pt2")  # TorchScript, and what torch.export makes
    IMPORTS = ("*.safetensors", "*.pt", "*.pt2")
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
        if "head" in self.state:  # made elsewhere, without one
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
        return np.asarray(X, np.float32) if "head" in self.state else encode(X, self.state["encoding"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        return self.from_scores(self._run(X), proba)

    def _run(self, X: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.model(torch.as_tensor(X, dtype=torch.float32, device=self.device)).cpu().numpy()

    def to_onnx(self) -> bytes:
        import torch

        if self.weights != self.WEIGHTS or self.state.get("head"):
            raise NotImplementedError("there is none for a network that was imported")
        example = torch.zeros(2, *self.state["network"]["shape"])
        return export(copy.deepcopy(self.model).cpu(), example, {0: "rows"})

    def dump(self, path: Path) -> None:
        from safetensors.torch import save

        if self.weights != self.WEIGHTS:
            shutil.copyfile(self.file, path)
            return
        path.write_bytes(save(self.model.state_dict()))  # its save_file makes a file that only its owner may read

    def restore(self, path: Path) -> None:
        from safetensors.torch import load_file

        use_one_thread()
        if path.suffix != ".safetensors":
            self._open(path)
            return
        self._assemble()
        try:
            self.model.load_state_dict(load_file(path))
        except RuntimeError as error:
            reason = str(error).replace("\n\t", " ")
            raise ModelError(f"{path} does not fit the network that make_network in model.py makes: {reason}") from None

    def _open(self, path: Path) -> None:
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
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # there are many such files, whatever PyTorch advises
                self.model = torch.jit.load(path, map_location="cpu").eval()
        except RuntimeError:
            raise ModelError(
                f"{path} is no TorchScript: save the network with torch.jit.script or torch.export, or its state_dict "
                "as safetensors, for make_network in model.py"
            ) from None

    def open_weights(self, path: Path) -> None:
        self.weights = f"model{path.suffix}"
        if path.suffix == ".safetensors":
            self._take(path)
        else:
            self.restore(path)

    def _take(self, path: Path) -> None:
        """Read the weights of a network that make_network makes, whose sizes they tell."""
        from safetensors.torch import load_file

        weights, sizes = load_file(path), self.options.model_dump(include={"layers", "width", "dropout"})
        matrices = [weights[name] for name in make_network([1], 1, **sizes).state_dict() if name in weights]
        if not matrices:
            raise ModelError(f"{path} has no weights of the network that make_network in model.py makes")
        self.shape, scores = tuple(matrices[0].shape[1:]), len(matrices[-1])
        self.state = {"head": "", "network": {"shape": list(self.shape), "scores": scores, **sizes}}
        self._assemble()
        self.model[0].load_state_dict(weights)

    def read_signature(self, X: Any = None) -> Signature:
        shape = self.shape or (None if X is None else (X.shape[1],))
        if shape is None:
            raise ValueError("the file does not tell how many columns it takes: give --data, a table that has them")
        self.read_scores(self._run, shape)
        return Signature(self.columns_of(X, *shape) if len(shape) == 1 else (Column("input-0", "FP64", shape=shape),))

    def place(self) -> None:
        move(self.model, self.device)
