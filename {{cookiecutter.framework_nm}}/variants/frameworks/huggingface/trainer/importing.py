"""Models of Transformers' that were made elsewhere: opening them, and what they tell of their labels.

Not here: training, further training, and answers (model.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ._core import Model, ModelError, Signature


class Importable(Model):
    """A model that may also have been made elsewhere: a folder as Transformers writes it, or an id of the hub."""

    IMPORTS = ("*/config.json",)

    #: The hyperparameters, what makes tokens of texts, and the step from a network's raw scores to answers: model.py's.
    options: Any
    tokenizer: Any
    finish: Callable[[Any, list[int], float, float], None]

    def open_weights(self, path: Path) -> None:
        self.model = self.open_network(path if path.exists() else self.options.pretrained)

    def read_signature(self, X: Any = None) -> Signature:
        config = self.model.config
        if not any(name.endswith("ForSequenceClassification") for name in config.architectures or ()):
            raise ValueError(
                f"the model is {' and '.join(config.architectures or ['no known model'])}, which gives no labels yet: "
                "fine-tune it with --pretrained, --data and --target"
            )
        if config.problem_type == "multi_label_classification":
            raise ValueError("the model gives several labels per text; expected one that gives one")
        names = [config.id2label[at] for at in range(config.num_labels)]
        self.task = "regression" if len(names) == 1 else "classification"
        self.labels = None if len(names) == 1 else np.array(sorted(names))
        self.finish(self.model, sorted(range(len(names)), key=names.__getitem__), 0, 1)
        return Signature(self.columns_of(X, 1, ["text"] if X is None else None, text=[0]))

    def open_network(self, source: str | Path | None, **options: Any) -> Any:
        """The network in a folder or on the hub, and its tokenizer. Raises ModelError."""
        transformers = quiet_transformers()
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(source)
            network = transformers.AutoModelForSequenceClassification.from_pretrained(source, **options)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelError(f"{source} cannot be loaded: {str(error).partition(chr(10))[0]}") from error
        if not self.tokenizer.is_fast:
            raise ModelError(f"the tokenizer of {source} has no fast version, which is needed here")
        return network.float().eval()


def quiet_transformers() -> Any:
    """Transformers, without its progress bars and its advice on models that are about to be trained."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers
