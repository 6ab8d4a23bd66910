"""The places that a framework fills in, in trainer/model.py. Not here: what all frameworks do, which is in model.py."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, NamedTuple, Tuple

import numpy as np

from ..artifact.compiled import decide
from ..contract.errors import ModelError
from ..contract.signature import Signature

if TYPE_CHECKING:
    from .splitting import Split


class HeldOut(NamedTuple):
    """Rows of training: preprocessed input, what is to be predicted, and a weight per row, or None."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None


class Places:
    """What a framework is: how it trains, answers, and stores what it learnt."""

    #: The framework's name, and the file or folder that holds the weights.
    FRAMEWORK: ClassVar[str]
    WEIGHTS: ClassVar[str]
    #: What else they may be called, each name another form of theirs. `build` sets `weights` to the one to write.
    OTHER_WEIGHTS: ClassVar[Tuple[str, ...]] = ()
    #: The hyperparameter that names a model made elsewhere, which is imported instead of trained; "" if there is none.
    GIVEN: ClassVar[str] = ""
    #: Whether that model is trained further where there is data, and imported only where there is none.
    TUNES_GIVEN: ClassVar[bool] = False
    #: What `--tune` searches, by hyperparameter: a list of choices, or (least, most), or (least, most, "log").
    SEARCH: ClassVar[Dict[str, Any]] = {}

    #: Whether training on a few rows takes no time to speak of: then they are held out in turn, to stop early by.
    QUICK: ClassVar[bool] = False

    #: What the places may read: "classification" or "regression", "cpu" or "cuda", how many threads train, how many
    #: rows have to share a text before it is kept, the columns, the sorted labels or None, one row in the columns'
    #: form, and a function to call with (steps done, steps in all).
    task: str
    device: str
    threads: int
    threads_asked: int | None
    min_count: int
    signature: Signature
    labels: np.ndarray | None
    example: Any
    report: Callable[[int, int], None]
    #: What they keep: the model in the framework's form, and what `encode` is to know, as JSON; and a sentence on each
    #: thing that training decided, which is printed and stands in the report.
    model: Any
    state: dict[str, Any]
    notes: List[str]
    #: While `fit` runs: how its rows can be parted; and how many rounds, trees or passes of earlier runs were kept, and
    #: of what.
    split: Split
    kept: int | None
    kept_of: str
    #: The name of the weights here, WEIGHTS or one of OTHER_WEIGHTS.
    weights: str

    @classmethod
    def version(cls) -> str:
        """The framework's version: that of the distribution FRAMEWORK, unless you say which."""
        return importlib.metadata.version(cls.FRAMEWORK)

    def build(self, **params: Any) -> None:
        """Make an untrained model."""
        raise NotImplementedError

    def preprocess(self, X: Any) -> Any:
        """Turn input into what the framework takes."""
        raise NotImplementedError

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        """Turn predictions into the answer."""
        raise NotImplementedError

    def fit(self, X: Any, y: np.ndarray, *args: Any, **kwargs: Any) -> None:
        """Train on preprocessed input; what `encode` is to know goes into `self.state`, as JSON.

        One that takes `valid` besides is given a part of the rows to stop early by, as a HeldOut, and says by
        `note_kept` how long that took. Where it is QUICK and rows are few, it is called with several parts in turn.
        Then it is called again on all rows of a table that is not large, with None, to train for as long as `self.kept`
        says. Others learn from all rows at once.
        One that takes `weights`, a weight per row or None, lets labels count alike: `--class_weight balanced`.
        """
        raise NotImplementedError

    def note_kept(self, kept: int, most: int, what: str) -> None:
        """For `fit`: note how much of a training that stopped early is kept, such as 37 of at most 1000 rounds."""
        self.kept, self.kept_of = kept, f"{most} {what}"

    def choose(self, candidates: Dict[str, Any], X: Any, y: np.ndarray, weights: Any = None) -> Any:
        """For `fit`: the one of several pipelines of scikit-learn's that cross-validation finds the best, fitted on X,
        which is encoded. Notes the choice and all scores; one alone is fitted without a search.
        """
        from .choosing import choose  # a server's environment lacks what it imports

        return choose(self, candidates, X, y, weights)

    def encode(self, X: Any) -> Any:
        """Turn preprocessed input into what `infer` and the compiled model take."""
        return X

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        """Answer encoded input: one prediction per row, or one row of probabilities."""
        raise NotImplementedError

    def from_scores(self, scores: np.ndarray, proba: bool) -> np.ndarray:
        """What `infer` answers, of the numbers predicted, [rows], [rows, 1], or [rows, n] of several, or of the labels'
        probabilities: [rows, labels], or [rows], which are the second one's of two.
        """
        return decide(scores, self.labels, proba)

    def contributions(self, X: Any) -> np.ndarray:
        """What each column of encoded input adds to the scores: [rows, scores, columns + 1], the base score last.

        One score where numbers are predicted, or where it tells two labels apart (then it is the second's), else
        a score per label. Columns are those of preprocessed input.
        """
        raise NotImplementedError(f"{self.FRAMEWORK} gives no explanations of its own")

    def to_onnx(self) -> bytes:
        """The model as ONNX: encoded input as float32, [rows, features], to scores. Raises where it cannot be.

        It is called in another process, on a model that was loaded there: what only `fit` knows is not available.
        """
        raise NotImplementedError("this framework has none")

    def dump(self, path: Path) -> None:
        """Write the weights to a file, or into a folder that is still to be made, of the name `weights`."""
        raise NotImplementedError

    def restore(self, path: Path) -> None:
        """Read the weights from a copy of there, which stays as long as the model, and has the same name."""
        raise NotImplementedError

    def place(self) -> None:
        """Move a model, just built or restored, to `self.device`. Raises ModelError where it cannot go there."""
        if self.device != "cpu":
            raise ModelError(f"the device {self.device} was requested, but {self.FRAMEWORK} runs on the CPU here")

    def read_signature(self, X: Any = None) -> Signature:
        """The signature of the model that GIVEN names; X, [rows, columns], may tell the names of its columns.

        Sets `task` and `labels` too. Raises ValueError where there is none to read, or where X does not fit it.
        """
        raise NotImplementedError
