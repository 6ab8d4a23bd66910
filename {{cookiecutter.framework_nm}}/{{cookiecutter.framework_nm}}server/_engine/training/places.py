"""The places that a framework fills in, in trainer/model.py. Not here: what all frameworks do, which is in model.py."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, NamedTuple, Tuple

import numpy as np

from ..artifact.compiled import decide, ordered
from ..contract.errors import ModelError
from ..contract.signature import Column, Signature
from . import heads
from .importing import Known, columns_of

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
    #: What `open_weights` opens: patterns of files, and such as "*/MLmodel" of folders, by what is in them; if there
    #: are none, files with the suffix of the weights.
    IMPORTS: ClassVar[Tuple[str, ...]] = ()
    #: The hyperparameter that names a model made elsewhere, as --model does; "" if there is none.
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
    #: While a model is imported: what is known of it beside its file; and whether that may name its labels.
    known: Known
    numbers_labels: bool = False

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
        if "head" in self.state:
            scores = heads.apply(self.state["head"], scores)
        return decide(ordered(scores, self.state.get("label_order")), self.labels, proba)

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

    # -- a model made elsewhere -------------------------------------------------------------------------------

    def open_weights(self, path: Path) -> None:
        """Read a model made elsewhere, one of IMPORTS, into the form that `dump` writes: that of `restore`, unless you
        say otherwise. Nobody is asked here whether a pickle may be opened; that was settled before."""
        self.restore(path)

    def read_signature(self, X: Any = None) -> Signature:
        """The signature of the model that `open_weights` read; X, a DataFrame or None, is data that it knows.

        Sets `task`, `labels` and `state` too. Raises ValueError where there is none to read, or where X does not fit
        it.
        """
        raise NotImplementedError

    def columns_of(
        self, X: Any, width: int | None, names: Any = None, text: Any = (), nullable: bool = False
    ) -> Tuple[Column, ...]:
        """For `read_signature`: so many columns, called by `names` where the file has them, else as X has them; of text
        those that `text` has by name or position, and of numbers the others, unless X has other kinds. `nullable` says
        that values may always be missing. Raises ValueError where X has other columns.
        """
        return columns_of(self.known, X, width, names, text, nullable)

    def read_network(
        self, X: Any, run: Callable[[np.ndarray], np.ndarray], shape: Tuple[int, ...], name: str = "input-0"
    ) -> Signature:
        """For `read_signature` of a network: settle what it predicts by what `run` gives for rows of a shape, single
        precision: [rows, n] or [rows]. `from_scores` makes answers of it from there on. The signature is of columns, or
        of a tensor of this name. Raises ValueError where `run` gives anything else, or fails, and as `columns_of`.
        """
        heads.read(self, heads.answers(run, shape))
        return Signature(self.columns_of(X, *shape) if len(shape) == 1 else (Column(name, "FP64", shape=shape),))

    @property
    def imported(self) -> bool:
        """Whether the network was made elsewhere: `read_network` notes what its scores mean."""
        return "head" in self.state

    def name_categories(self, names: List[str], categories: List[List[Any]]) -> None:
        """For `read_signature` of a model that learnt from columns of text: the names of these, and the categories of
        each, in the order of their numbers. Raises ValueError where they are no text.
        """
        if len(names) != len(categories) or not all(isinstance(value, str) for each in categories for value in each):
            raise ValueError("the model learnt from categories that are no text, which are not served here")
        self.state["categories"] = dict(zip(names, categories))

    def number_labels(self, count: int) -> None:
        """For `read_signature` of a model that numbers its labels: they are 0, 1, ..., or what --labels names.

        Raises ValueError where that names more or fewer.
        """
        names = self.known.labels or tuple(range(count))
        if len(names) != count:
            raise ValueError(f"the model tells {count} labels apart, and --labels names {len(names)}")
        self.numbers_labels = True
        self.name_labels(names)

    def name_labels(self, names: Any) -> None:
        """For `read_signature` of a model whose labels are known, in the order of its scores."""
        names = np.asarray(names).tolist()
        self.task, self.labels = "classification", np.array(sorted(names))
        if names != sorted(names):
            self.state["label_order"] = np.argsort(names).tolist()
