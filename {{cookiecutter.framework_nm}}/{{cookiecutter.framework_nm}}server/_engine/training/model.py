"""What no framework changes: a model that trains, answers, is evaluated, saved and loaded.

Not here: what a framework is (places.py), what a model holds and says of itself (state.py), how it is written
(saving.py), and what a model directory is (artifact/).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ..artifact import example, provenance, signing
from ..artifact.compiled import decide
from ..artifact.stored import Artifact
from ..contract.errors import ModelError
from ..contract.privacy import MIN_COUNT
from ..contract.signature import Signature
from ..drift import reference
from ..reporting.contents import Evaluation
from . import balancing, explaining, importing, loading, saving
from .describing import describe
from .importing import Known
from .loading import Learnt
from .state import State

if TYPE_CHECKING:
    from .splitting import Split


class Model(State):
    """A model that trains, answers, saves and loads itself. `MyModel` in trainer/model.py is the one to use."""

    def __init__(
        self,
        dirpath: str | Path | Artifact | None = None,
        task: str = "classification",
        runtime: str = "native",
        device: str = "cpu",
        verify_key: str | Path | None = None,
        min_count: int = MIN_COUNT,
        threads: int | None = None,
        **params: Any,
    ) -> None:
        """Load the model in `dirpath`, or build an untrained one.

        `task` is "classification" or "regression"; `params` go to `build`. `runtime` is what a loaded model runs
        on: "native", "onnx" (the compiled model), or "auto" (the compiled model on a CPU, if there is one and ONNX
        Runtime runs it). `device` is "cpu" or "cuda". With a `verify_key`, a file that `find_key` in
        artifact/signing.py describes, only what its owner signed is loaded. `min_count` is how many rows have to share
        a text before it is kept, in any file but as a label. `threads` train, by default one on each core there is.

        Raises ModelError where the model cannot be loaded, or the device is not there; ValueError without a key.
        """
        super().__init__(task, runtime, device, min_count, threads, params)
        self.verify_key = signing.find_key(str(verify_key)) if verify_key else None
        if dirpath is not None:
            self.load(dirpath)
        else:
            self._build()

    def train(
        self, X: Any, y: Any, signature: Signature | None = None, balanced: bool = False, split: Split | None = None
    ) -> None:
        """Train on X, [rows, columns], and y, [rows]: labels to classify by, or numbers to predict.

        The signature is learnt from X, unless one is given: that of more rows knows more missing values. Labels count
        alike where `balanced`, however many rows they have. `split` says how rows are held out where `fit` stops early,
        else it is by chance. A model that was trained or loaded before is forgotten, and built again.
        Raises ValueError where the data has missing values in y, infinite numbers, or nothing to learn from, or where
        `fit` cannot balance labels; ModelError where the model was made elsewhere.
        """
        if self._params.get(self.GIVEN) and not self.TUNES_GIVEN:
            raise ModelError(f"{self._params[self.GIVEN]} is served as it is: to train, leave {self.GIVEN} out")
        from .fitting import fit

        signature = signature or Signature.learn(X)
        X, y = signature.conform(X), np.asarray(y)
        if len(X) != len(y):
            raise ValueError(f"X has {len(X)} rows and y has {len(y)}")
        labels = np.unique(y) if self.task == "classification" else None
        if labels is not None and len(labels) < 2:
            raise ValueError(f"all training rows have the label '{labels[0]}': a classifier needs two or more")
        weights = balancing.weigh(self, y, labels) if balanced else None
        with self._made_anew():
            self.signature, self.labels = signature, labels
            fit(self, self.preprocess(X), y, weights, split)
            # The first label's rows alone have a clear answer, but a few rows have no middle that is nobody's.
            first = np.ones(len(X), bool) if labels is None else y == labels[0]
            describe(self, X, X[first] if first.sum() >= self.min_count else X)

    def import_model(
        self,
        path: str | Path | None = None,
        X: Any = None,
        missing: tuple[str, ...] = (),
        trust: bool = False,
        known: Known | None = None,
    ) -> None:
        """Import a finished model, one of IMPORTS, without training. X, a DataFrame, may be data that it knows, in
        which `missing` spells missing values, beside "". `known` is what else is known of it.

        What would run code, as pickles do, is opened only with `trust`. Raises ValueError where X cannot be used,
        ModelError where the model cannot be opened, or where none is named.
        """
        given = path or self._params.get(self.GIVEN)
        if not given:
            raise ModelError("there is no model to import: name its file or folder, with --model or import_model(path)")
        source = Path(given)
        if path or source.exists() or not self.TUNES_GIVEN:  # what is not here may be on the hub
            source = importing.find(source, type(self))
        importing.check(source, trust)
        with self._made_anew():
            importing.import_model(self, source, X, missing, known or Known())

    def predict(self, X: Any, proba: bool = False) -> np.ndarray:
        """Answer X, [rows, columns]: predictions of shape [rows], or with `proba` [rows, labels].

        Raises ModelError where there is no model yet, ValueError where X does not fit the signature.
        """
        self._check_made()
        return self.answer(self.signature.conform(X), proba)

    def answer(self, X: Any, proba: bool = False) -> np.ndarray:
        """`predict` for input that is in the signature's form already, as serving decodes it."""
        y_hat = self._unprocessed(X, proba)
        return y_hat if proba else self.postprocess(y_hat)

    def _unprocessed(self, X: Any, proba: bool) -> np.ndarray:
        return self.conclude(self.encode(self.preprocess(X)), proba)

    def in_data_terms(self, X: Any, proba: bool = False) -> np.ndarray:
        """`answer`, but with labels as the data has them, which `postprocess` may name."""
        return self.answer(X, proba) if proba or self.labels is None else self._unprocessed(X, False)

    def conclude(self, X: Any, proba: bool) -> np.ndarray:
        """`infer`, by what answers here and by the threshold."""
        scores = proba or self.threshold is not None
        y_hat = self.compiled.infer(X, self.labels, scores) if self.compiled else self.quick.infer(X, scores)
        if proba or self.threshold is None or self.labels is None:
            return y_hat
        return decide(y_hat, self.labels, threshold=self.threshold)

    def explain(self, X: Any) -> list[dict[str, Any]]:
        """Say for each row of X, in the signature's form, what its columns add to the score of its prediction.

        A base and the contributions of all columns sum up to that score, which is the number predicted, or the
        raw score of the label: in log-odds, or what else the framework adds up. Raises NoExplanations where
        the framework gives no contributions, ModelError where there is no model yet, or where `explainer` does.
        """
        self._check_made()
        if self.compiled:
            self._explainer = self._explainer or self.explainer()
            return self._explainer.explain(X)
        return explaining.explain(self, X)

    def explainer(self) -> Model:
        """What `native` gives, to explain with while this one predicts in another thread.

        Raises NoExplanations where the framework gives no contributions, and what `native` raises.
        """
        return explaining.explainer(self)

    def native(self) -> Model:
        """A copy of this model in the framework's own form.

        A model that was trained here is its own. One that was loaded is read again, from a copy of its weights that
        nobody else can change, made only of the bytes that it was loaded from.

        Raises ModelError where a file has changed, or where there is no room for the copy.
        """
        if self.artifact is None:
            return self
        again = type(self)(dirpath=self.artifact, runtime="native", device="cpu" if self.compiled else self.device)
        again.threshold = self.threshold  # which may have changed since it was loaded
        return again

    def evaluate(self, X: Any, y: Any, rows: Any = None) -> dict[str, float]:
        """Compare predictions for X with y; returns the metrics by name and keeps them for metadata.json.

        `rows` are the numbers by which the report names rows, [rows]: those in the data that they are a part of.
        A compiled model that `save` makes is compared with the model on this X. Raises as `predict` does.
        """
        self._check_made()
        from .scores import score

        X, y = self.signature.conform(X), np.asarray(y)
        proba = self.answer(X, proba=True) if self.has_proba else None
        y_hat = self.in_data_terms(X)
        self.metrics = score(self.task, y, y_hat, proba, self.labels)
        if self.reference and not self.artifact:  # what was loaded stays as it is
            predictions = reference.of_predictions(y_hat, self.labels, self.min_count)
            self.reference = msgspec.structs.replace(self.reference, predictions=predictions)
        numbers = np.arange(1, len(y) + 1) if rows is None else np.asarray(rows)
        self.evaluation = Evaluation(X, y, y_hat, proba, self.labels, numbers)
        return self.metrics

    def save(
        self, dirpath: str | Path, extras_seconds: float = 20, report: bool = True, report_rows: bool = False
    ) -> None:
        """Write a model directory. It appears whole or not at all. What was loaded is written as it was loaded.

        The compiled model, and then the report, are made when all else is written, for `extras_seconds` at most, and
        none with 0. `compiled_note` and `report_note` say what came of them. Ctrl-C ends that and leaves a whole
        directory without them. `report_rows` shows the values of the worst rows in the report.

        Raises ModelError where there is no model yet, or where a file has changed since it was loaded; ValueError
        where `extras_seconds` is more than a day or no time at all; FileExistsError where `dirpath` exists already.
        """
        self._check_made()
        saving.save(self, Path(dirpath).absolute(), extras_seconds, report, report_rows)

    def load(self, dirpath: str | Path | Artifact) -> None:
        """Read a model directory, or one that is open, whose files have the digests of metadata.json; forget the last.

        Raises ModelError where a file is missing, damaged, changed, not signed though it has to be, or another
        framework's.
        """
        self._forget()
        artifact = (
            dirpath
            if isinstance(dirpath, Artifact)
            else Artifact.open(Path(dirpath), self.FRAMEWORK, (self.WEIGHTS, *self.OTHER_WEIGHTS), self.verify_key)
        )
        try:
            self._restore(artifact)
        except BaseException as error:
            self._forget()
            if isinstance(error, ModelError) or not isinstance(error, Exception):
                raise
            advice = provenance.advice(artifact.metadata.made, type(self))
            raise ModelError(f"{artifact.path} cannot be loaded: {type(error).__name__}: {error}{advice}") from error

    def _restore(self, artifact: Artifact) -> None:
        found = artifact.metadata
        self.artifact, self.made, self.weights = artifact, found.made, artifact.weights
        self.task, self.metrics, self.outputs = found.task, found.metrics, found.outputs
        self.state = Learnt(found.state)
        self.labels, self.threshold = None if found.labels is None else np.array(found.labels), found.threshold
        self.signature = Signature(found.columns, found.missing, found.unused)
        self.example = example.read(artifact.example, self.signature)
        self.reference = artifact.reference
        self._params = provenance.hyperparameters(found.made, "" if self.TUNES_GIVEN else self.GIVEN)
        self.compiled = loading.open_compiled(artifact, self.runtime, self.device)
        weights = None if self.compiled else artifact.private_weights()
        artifact.check()
        if weights:
            loading.restore(self, artifact, weights)
