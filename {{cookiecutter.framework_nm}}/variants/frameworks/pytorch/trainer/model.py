"""The model: what is trained, and how it answers. Put your own layers into `make_network`."""

from __future__ import annotations

import copy
import importlib.util
import io
import logging
import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ._core import Model, ModelError
from .preprocessor import encode, learn_encoding


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    layers: int = Field(2, ge=0, description="hidden layers")
    width: int = Field(64, ge=1, description="units in each of them")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out at a time in training")
    learning_rate: float = Field(0.003, gt=0, description="how far each step goes")
    weight_decay: float = Field(0.01, ge=0, description="how strongly weights are kept small")
    batch_size: int = Field(64, ge=1, description="rows in a step")
    epochs: int = Field(200, ge=1, description="at most so many passes over the rows")
    patience: int = Field(20, ge=1, description="passes without progress on held-out rows, after which training ends")
    seed: int = Field(0, ge=0, description="seed of the weights, the order of rows, and those held out")


def make_network(shape: list[int], scores: int, layers: int, width: int, dropout: float) -> Any:
    """Make a network, still to be trained, from encoded input, [rows, *shape], to [rows, scores].

    Scores are raw ones of the labels, or the number predicted, standardised.
    """
    from torch import nn

    widths = [math.prod(shape), *[width] * layers]
    hidden = [(nn.Linear(n, width), nn.ReLU(), nn.Dropout(dropout)) for n in widths[:-1]]
    return nn.Sequential(nn.Flatten(), *[part for parts in hidden for part in parts], nn.Linear(widths[-1], scores))


class MyModel(Model):
    """A PyTorch network over standardised numbers and one-hot categories.

    PyTorch is imported where it is needed: a server that runs the compiled twin starts without.
    """

    FRAMEWORK = "pytorch"
    WEIGHTS = "model.safetensors"

    @staticmethod
    def version() -> str:
        import torch

        return torch.__version__.partition("+")[0]  # behind it stands what device the build is for

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)

    def fit(self, X: Any, y: np.ndarray) -> None:
        import torch
        from torch import nn

        torch.manual_seed(self.options.seed)
        self.state["encoding"] = learn_encoding(X)
        inputs = torch.from_numpy(self.encode(X)).to(self.device)
        self.state["network"] = {
            "shape": list(inputs.shape[1:]),
            "scores": 1 if self.labels is None else len(self.labels),
            **self.options.model_dump(include={"layers", "width", "dropout"}),
        }
        self._assemble()
        network, head = self.model
        if self.labels is None:
            mean, deviation = y.mean(), y.std() or 1.0
            nn.init.constant_(head.weight, deviation)
            nn.init.constant_(head.bias, mean)
            targets, loss = torch.tensor((y - mean) / deviation, dtype=torch.float32)[:, None], nn.MSELoss()
        else:
            targets, loss = torch.from_numpy(np.searchsorted(self.labels, y)), nn.CrossEntropyLoss()
        self.place()
        self._learn(network, loss, inputs, targets.to(self.device))

    def _assemble(self) -> None:
        """The network, and behind it what makes probabilities, or the number predicted, of its scores."""
        from torch import nn

        head = nn.Linear(1, 1) if self.task == "regression" else nn.Softmax(dim=1)
        self.model = nn.Sequential(make_network(**self.state["network"]), head).eval()

    def _learn(self, network: Any, loss: Any, inputs: Any, targets: Any) -> None:
        """Train until the rows held out, a fifth, are not answered better any more; keep the best weights."""
        import torch

        options = self.options
        optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
        held, rest = torch.randperm(len(inputs)).tensor_split([len(inputs) // 5])
        if not len(held):
            held = rest
        least, since, best = math.inf, 0, network.state_dict()
        for epoch in range(options.epochs):
            network.train()
            for rows in rest[torch.randperm(len(rest))].split(options.batch_size):
                optimizer.zero_grad()
                loss(network(inputs[rows]), targets[rows]).backward()
                optimizer.step()
            network.eval()
            with torch.inference_mode():
                now = loss(network(inputs[held]), targets[held]).item()
            since += 1
            if now < least:
                least, since, best = now, 0, copy.deepcopy(network.state_dict())
            if since == options.patience:
                break
            self.report(epoch + 1, options.epochs)
        if least == math.inf:
            raise ValueError(
                f"the network learns nothing at a learning rate of {options.learning_rate}: try a smaller one"
            )
        network.load_state_dict(best)

    def encode(self, X: Any) -> Any:
        return encode(X, self.state["encoding"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        import torch

        with torch.inference_mode():
            scores = self.model(torch.as_tensor(X, dtype=torch.float32, device=self.device))
        scores = scores.cpu().numpy().astype(np.float64)
        if self.labels is None:
            return scores[:, 0]
        return scores if proba else self.labels[scores.argmax(axis=1)]

    def to_onnx(self) -> bytes:
        import torch

        model = copy.deepcopy(self.model).cpu()
        example = torch.zeros(2, *self.state["network"]["shape"])
        if importlib.util.find_spec("onnxscript") is None:  # beside KFServing: PyTorch exports what it records
            file = io.BytesIO()
            torch.onnx.export(model, (example,), file, input_names=["input"], dynamic_axes={"input": {0: "rows"}})
            return file.getvalue()
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass

        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it would miss torchvision aloud
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)  # by PyTorch, in PyTorch
            sizes = {0: torch.export.Dim("rows")}
            program = torch.onnx.export(model, (example,), dynamo=True, dynamic_shapes=(sizes,), verbose=False)
        ClearMetadataAndDocStringPass()(program.model)  # stack traces, with the paths of this machine
        return program.model_proto.SerializeToString()

    def dump(self, path: Path) -> None:
        from safetensors.torch import save

        path.write_bytes(save(self.model.state_dict()))  # its save_file makes a file that only its owner may read

    def restore(self, path: Path) -> None:
        import torch
        from safetensors.torch import load_file

        # Requests are put together before they come here, and PyTorch would count the cores of the whole machine.
        if "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(1)
        self._assemble()
        try:
            self.model.load_state_dict(load_file(path))
        except RuntimeError as error:
            reason = str(error).replace("\n\t", " ")
            raise ModelError(f"{path} does not fit the network that make_network in model.py makes: {reason}") from None

    def place(self) -> None:
        if self.device == "cpu":
            return
        import torch

        if not torch.cuda.is_available():
            raise ModelError(
                f"PyTorch finds no GPU, and the device {self.device} is asked for: it needs a GPU, "
                "and a CUDA build of PyTorch"
            )
        if self.model is not None:
            self.model.to(self.device)
