"""The model: what is trained, and how it answers. Put your own configuration into `make_network`."""

from __future__ import annotations

import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

import numpy as np
from pydantic import BaseModel, Field

from ._core import HeldOut
from .importing import Importable, quiet_transformers
from .network import Passes, learn
from .on_torch import export, move, use_one_thread
from .preprocessor import make_tokenizer, to_texts, to_tokens


class Hyperparameters(BaseModel):
    """What `build` takes; each is an option of the training command too."""

    pretrained: Optional[str] = Field(
        None, description="folder or hub id of a model to fine-tune on --data, or to serve as it is; default: a new one"
    )
    epochs: Optional[int] = Field(None, ge=1, description="most passes over the rows; 3 if pretrained, else 40")
    patience: int = Field(20, ge=1, description="passes without progress on held-out rows before training ends")
    learning_rate: Optional[float] = Field(
        None, gt=0, description="how far each step goes; 5e-5 if pretrained, else 1e-3"
    )
    batch_size: int = Field(16, ge=1, description="rows per step")
    max_length: int = Field(128, ge=8, le=8192, description="most tokens read of a row")
    layers: int = Field(2, ge=1, description="layers of a new model")
    width: int = Field(64, ge=4, multiple_of=4, description="units in each of them")
    seed: int = Field(0, ge=0, description="random seed of the weights and of the order of rows")


def make_network(words: int, options: Hyperparameters, **labels: Any) -> Any:
    """Make a new text classifier, small enough to learn in seconds, for a vocabulary of `words` words."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig(
        vocab_size=words,
        dim=options.width,
        hidden_dim=2 * options.width,
        n_layers=options.layers,
        n_heads=4,
        max_position_embeddings=options.max_length,
        # A network this small has no units to spare.
        dropout=0.0,
        attention_dropout=0.0,
        seq_classif_dropout=0.0,
        **labels,
    )
    return DistilBertForSequenceClassification(config)


class MyModel(Importable):
    """A classifier of texts from Transformers, or one that predicts a number. Rows of several columns become a line.

    PyTorch and Transformers are imported where they are needed: a server that runs the compiled model starts without.
    """

    FRAMEWORK = "transformers"
    WEIGHTS = "model"
    GIVEN = "pretrained"
    TUNES_GIVEN = True

    def build(self, **params: Any) -> None:
        self.options = Hyperparameters(**params)

    def fit(self, X: Any, y: np.ndarray, valid: HeldOut | None) -> None:
        import torch
        from torch import nn

        options, texts = self.options, to_texts(X, self.signature.columns)
        parts = [part for part in (HeldOut(X, y, None), valid) if part]
        torch.manual_seed(options.seed)
        torch.set_num_threads(self.threads)
        names = ["number"] if self.labels is None else [str(label) for label in self.labels]
        labels = {"id2label": dict(enumerate(names)), "label2id": {name: at for at, name in enumerate(names)}}
        if options.pretrained:
            network = self.open_network(options.pretrained, ignore_mismatched_sizes=True, **labels)
        else:
            self.tokenizer = make_tokenizer(texts, options.max_length, self.min_count)
            network = make_network(len(self.tokenizer), options, **labels)
        self.finish(network, list(range(len(names))), *((0, 1) if self.labels is not None else (y.mean(), y.std())))
        if self.labels is None:
            numbers = [(part.y - y.mean()) / (y.std() or 1) for part in parts]
            targets, loss = [torch.tensor(part, dtype=torch.float32)[:, None] for part in numbers], nn.MSELoss()
        else:
            targets = [torch.from_numpy(np.searchsorted(self.labels, part.y)) for part in parts]
            loss = nn.CrossEntropyLoss()
        tokens = [torch.from_numpy(self.encode(part.X)).to(self.device) for part in parts]
        self._learn(network, loss, tokens, [part.to(self.device) for part in targets])

    def _learn(self, network: Any, loss: Any, tokens: list[Any], targets: list[Any]) -> None:
        """Train on the first of each list, until the second one, where there is one, is answered no better. Steps grow
        for a tenth of the time, and shrink from there on."""
        import torch

        options = self.options
        passes = Passes(
            learning_rate=options.learning_rate or (5e-5 if options.pretrained else 1e-3),
            epochs=options.epochs or (3 if options.pretrained else 40),
            **options.model_dump(include={"batch_size", "patience", "seed"}),
        )
        steps = (self.kept or passes.epochs) * -(-len(tokens[0]) // passes.batch_size)
        optimizer = torch.optim.AdamW(network.parameters(), lr=passes.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (0.1 * steps), 1 - step / (steps + 1))
        )

        def step(rows: np.ndarray) -> None:
            network.train()
            part = tokens[0][rows]
            part = part[:, : (part >= 0).sum(dim=1).max()]
            optimizer.zero_grad()
            loss(self.model.logits(part), targets[0][rows]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()

        def measure() -> float:
            network.eval()
            with torch.inference_mode():
                parts = zip(tokens[1].split(passes.batch_size), targets[1].split(passes.batch_size))
                return sum(float(loss(self.model.logits(part), found)) * len(part) for part, found in parts)

        def copy_weights() -> Any:
            return copy.deepcopy(network.state_dict())

        learn(self, len(tokens[0]), passes, step, measure, copy_weights, network.load_state_dict)
        network.eval()

    def finish(self, network: Any, order: list[int], mean: float, deviation: float) -> None:
        """Note what is between a network's raw scores and the answer, and put it there."""
        longest = min(self.options.max_length, self.tokenizer.model_max_length)
        self.state = {"order": order, "mean": float(mean), "deviation": float(deviation or 1), "max_length": longest}
        self.tokens = self.tokenizer.backend_tokenizer
        self.model = self._scorer(network)
        self.place()

    def _scorer(self, network: Any) -> Any:
        """From tokens, [rows, tokens], -1 behind the last, to probabilities in the labels' order, or to a number."""
        import torch

        state, labels, padding = self.state, self.labels, network.config.pad_token_id or 0

        class Scorer(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def logits(self, tokens: Any) -> Any:
                known = tokens >= 0
                ids = torch.where(known, tokens, padding).long()
                return self.network(input_ids=ids, attention_mask=known.long()).logits

            def forward(self, tokens: Any) -> Any:
                logits = self.logits(tokens).double()
                if labels is None:
                    return logits * state["deviation"] + state["mean"]
                return logits[:, state["order"]].softmax(dim=1)

        return Scorer().eval()

    @cached_property
    def tokens(self) -> Any:
        """The tokenizer alone, as a server needs it that runs the compiled model."""
        from tokenizers import Tokenizer

        assert self.artifact  # what was trained or fine-tuned here has its tokenizer already
        return Tokenizer.from_str(self.artifact.read(f"{self.weights}/tokenizer.json").decode())

    def encode(self, X: Any) -> Any:
        return to_tokens(to_texts(X, self.signature.columns), self.tokens, self.state["max_length"])

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        import torch

        with torch.inference_mode():
            scores = self.model(torch.as_tensor(X, device=self.device)).cpu().numpy()
        return self.from_scores(scores, proba)

    def to_onnx(self) -> bytes:
        import torch

        content = export(self.model.cpu(), torch.full((2, 8), 5.0), {0: "rows", 1: "tokens"})
        self.place()
        return content

    def dump(self, path: Path) -> None:
        quiet_transformers()
        self.model.network.save_pretrained(path)
        self.tokenizer.save_pretrained(path)
        for file in path.iterdir():  # some are made so that only their owner may read them
            file.chmod(0o644)

    def restore(self, path: Path) -> None:
        use_one_thread()
        network = self.open_network(path, local_files_only=True)
        self.tokens = self.tokenizer.backend_tokenizer
        self.model = self._scorer(network)

    def place(self) -> None:
        move(self.model, self.device)
