"""What no framework changes: training, asking, and a model directory that describes itself.

`model.py` fills in the places at the top of `Model`. A model directory holds the weights in the framework's own
format, `metadata.json` (see `Metadata`), `input.json`, a request that works as it is, and, where there can be one,
a compiled twin of the model (see _twin.py).
"""

from __future__ import annotations

import hashlib
import logging
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Dict, List, Optional, Tuple

import msgspec
import numpy as np

from ..artifact import compiled as _twin
from ..artifact import draft as _draft
from ..contract.errors import ModelError
from ..contract.signature import Column, Signature, Tensor

logger = logging.getLogger(__name__)


#: The file that makes a directory a model directory.
METADATA = "metadata.json"


class Metadata(msgspec.Struct, kw_only=True):
    """The content of metadata.json: the Open Inference Protocol's model metadata, and what training knows."""

    name: str
    platform: str
    task: str
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Tensor, ...]
    columns: Tuple[Column, ...]
    labels: Optional[List[Any]]
    metrics: Dict[str, float]
    #: What encoding learnt from the training data.
    state: Dict[str, Any]
    #: On how many rows the compiled twin was compared, and how far it was off; None where there is no twin.
    twin: Optional[Dict[str, float]]
    versions: Dict[str, str]
    files: Dict[str, str]
    #: How text spells a missing value, beside ""; None, as in older files, where "" is text like any other.
    missing: Optional[Tuple[str, ...]] = None


class Model:
    """A model that trains, answers, saves and loads itself. `MyModel` in model.py is the one to use."""

    #: The framework's name, and the file or folder that holds the weights.
    FRAMEWORK: ClassVar[str]
    WEIGHTS: ClassVar[str]
    #: The hyperparameter that names a model made elsewhere, which is adopted instead of trained; "" if there is none.
    GIVEN: ClassVar[str] = ""
    #: Whether that model is trained further where there is data, and adopted only where there is none.
    TUNES_GIVEN: ClassVar[bool] = False

    @staticmethod
    def version() -> str:
        """The framework's version."""
        raise NotImplementedError

    def build(self, **params: Any) -> None:
        """Make an untrained model."""
        raise NotImplementedError

    def preprocess(self, X: Any) -> Any:
        """Turn input into what the framework takes."""
        raise NotImplementedError

    def postprocess(self, y_hat: np.ndarray) -> np.ndarray:
        """Turn predictions into the answer."""
        raise NotImplementedError

    def fit(self, X: Any, y: np.ndarray) -> None:
        """Train on preprocessed input; what `encode` is to know goes into `self.state`, as JSON."""
        raise NotImplementedError

    def encode(self, X: Any) -> Any:
        """Turn preprocessed input into what `infer` and the twin take."""
        return X

    def infer(self, X: Any, proba: bool) -> np.ndarray:
        """Answer encoded input: one prediction per row, or one row of probabilities."""
        raise NotImplementedError

    def contributions(self, X: Any) -> np.ndarray:
        """What each column of encoded input adds to the scores: [rows, scores, columns + 1], the base score last.

        One score where numbers are predicted, or where it tells two labels apart (then it is the second's), else
        a score per label. Columns are those of preprocessed input.
        """
        raise NotImplementedError(f"{self.FRAMEWORK} gives no explanations of its own")

    def to_onnx(self) -> bytes:
        """The model as ONNX: encoded input as float32, [rows, features], to scores. Raises where it cannot be.

        It is called in another process, on a model that was loaded there: what only `fit` knows is not at hand.
        """
        raise NotImplementedError("this framework has none")

    def dump(self, path: Path) -> None:
        """Write the weights to a file, or into a folder that is still to be made."""
        raise NotImplementedError

    def restore(self, path: Path) -> None:
        """Read the weights from there."""
        raise NotImplementedError

    def place(self) -> None:
        """Move a model, just built or restored, to `self.device`. Raises ModelError where it cannot go there."""
        if self.device != "cpu":
            raise ModelError(f"{self.FRAMEWORK} runs on the CPU here, and the device {self.device} is asked for")

    def read_signature(self, X: Any = None) -> Signature:
        """The signature of the model that GIVEN names; X, [rows, columns], may tell the names of its columns.

        Sets `task` and `labels` too. Raises ValueError where there is none to read, or where X does not fit it.
        """
        raise NotImplementedError

    def __init__(
        self,
        dirpath: str | Path | None = None,
        task: str = "classification",
        runtime: str = "native",
        device: str = "cpu",
        **params: Any,
    ) -> None:
        """Load the model in `dirpath`, or build an untrained one.

        `task` is "classification" or "regression"; `params` go to `build`. `runtime` is what a loaded model runs
        on: "native", "onnx" (the compiled twin), or "auto" (the twin on a CPU, if there is one and ONNX Runtime
        is installed). `device` is "cpu" or "cuda".

        Raises ModelError where the model cannot be loaded, or the device is not there.
        """
        self.task = task
        self.signature = Signature(())
        self.runtime = runtime
        self.device = device
        self.state: dict[str, Any] = {}
        self.model: Any = None
        self.twin: _twin.Twin | None = None
        self._weights = Path()  # where a loaded model's are
        self._loaded: tuple[Path, Metadata] | None = None  # the directory, and what its metadata.json said then
        self._explainer: Model | None = None
        #: Whether saving made a compiled twin, and if not, why.
        self.twin_note = ""
        self._compared: Any = None  # what to compare a twin on
        self.labels: np.ndarray | None = None
        self.outputs: tuple[Tensor, ...] = ()
        self.metrics: dict[str, float] = {}
        #: Called with (steps done, steps in all) by a `fit` that knows them.
        self.report: Callable[[int, int], None] = lambda done, total: None
        if dirpath is not None:
            self.load(dirpath)
        else:
            self.build(**params)
            self.place()

    def train(self, X: Any, y: Any, signature: Signature | None = None) -> None:
        """Train on X, [rows, columns], and y, [rows]: labels to classify by, or numbers to predict.

        The signature is learnt from X, unless one is given: one of more rows has seen more gaps.
        Raises ValueError where the data has gaps in y, infinite numbers, or nothing to learn from.
        """
        self.signature = signature or Signature.learn(X)
        X = self.signature.conform(X)
        y = np.asarray(y)
        if len(X) != len(y):
            raise ValueError(f"X has {len(X)} rows and y has {len(y)}")
        if self.task == "classification":
            self.labels = np.unique(y)
            if len(self.labels) < 2:
                raise ValueError(f"the rows to train on have one label only, '{self.labels[0]}': nothing to tell apart")
        self.fit(self.preprocess(X), y)
        self.twin = self._compared = self._loaded = None
        self.example = self._typical(X if self.labels is None else X[y == self.labels[0]])
        self.outputs = self._describe(self.example)

    def adopt(self, X: Any = None, missing: tuple[str, ...] = ()) -> None:
        """Take over the model that GIVEN names, without training; X, [rows, columns], may be data that it knows, in
        which `missing` spells missing values, beside "".

        Raises ValueError where the model or X cannot be used.
        """
        self.signature = self.read_signature(X)
        if X is not None:
            self.signature = msgspec.structs.replace(self.signature, missing=missing)
        self.example = self.signature.blank() if X is None else self._typical(self.signature.conform(X))
        self.outputs = self._describe(self.example)

    def predict(self, X: Any, proba: bool = False) -> np.ndarray:
        """Answer X, [rows, columns]: predictions of shape [rows], or with `proba` [rows, labels].

        Raises ModelError where there is no model yet, ValueError where X does not fit the signature.
        """
        return self.answer(self._conformed(X), proba)

    def answer(self, X: Any, proba: bool = False) -> np.ndarray:
        """`predict` for input that is in the signature's form already, as serving decodes it."""
        y_hat = self._unprocessed(X, proba)
        return y_hat if proba else self.postprocess(y_hat)

    def _conformed(self, X: Any) -> Any:
        if not self.signature.columns:
            raise ModelError("there is no model yet: train it, or load one with MyModel(dirpath=...)")
        return self.signature.conform(X)

    def _unprocessed(self, X: Any, proba: bool) -> np.ndarray:
        X = self.encode(self.preprocess(X))
        return self.twin.infer(X, self.labels, proba) if self.twin else self.infer(X, proba)

    def explain(self, X: Any) -> list[dict[str, Any]]:
        """Say for each row of X, in the signature's form, what its columns add to the score of its prediction.

        A base and the contributions of all columns sum up to that score, which is the number predicted, or the
        raw score of the label: in log-odds, or what else the framework adds up. Raises NotImplementedError where
        the framework gives no contributions, ModelError where `explainer` does.
        """
        if self.twin:
            if self._explainer is None:
                self._explainer = self.explainer()
            return self._explainer.explain(X)
        prepared = self.preprocess(X)
        encoded = self.encode(prepared)
        scores, y_hat = self.contributions(encoded), self.infer(encoded, False)
        if self.labels is None:
            chosen = scores[:, 0]
        else:
            at = np.searchsorted(self.labels, y_hat)
            one = scores.shape[1] == 1
            chosen = scores[:, 0] * np.where(at == 1, 1, -1)[:, None] if one else scores[np.arange(len(at)), at]
        names = list(prepared.columns) if hasattr(prepared, "columns") else self.signature.names
        if len(names) != chosen.shape[1] - 1:  # `preprocess` made others
            names = [f"x{i}" for i in range(chosen.shape[1] - 1)]
        return [
            {"prediction": prediction, "base": base, "contributions": dict(zip(names, added))}
            for prediction, (*added, base) in zip(self.postprocess(y_hat).tolist(), chosen.tolist())
        ]

    def explainer(self) -> Model:
        """This model once more, in the framework's own form, to explain with while this one predicts in another thread.

        A model that was trained here is its own. One that was loaded is read again, from a copy of its files that
        nobody else can change, made only of bytes that are those of when it was loaded.

        Raises NotImplementedError where the framework gives no contributions, ModelError where a file has changed, or
        where there is no room for the copy.
        """
        if type(self).contributions is Model.contributions:
            raise NotImplementedError(f"{self.FRAMEWORK} gives no explanations of its own")
        if self._loaded is None:
            return self
        dirpath, metadata = self._loaded
        try:
            with tempfile.TemporaryDirectory(prefix="explainer-") as folder:
                copy = Path(folder)
                for name, digest in metadata.files.items():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    (copy / name).write_bytes(_read_unchanged(dirpath, name, digest))
                (copy / "metadata.json").write_bytes(msgspec.json.encode(metadata))
                return type(self)(dirpath=copy, runtime="native", device="cpu" if self.twin else self.device)
        except OSError as error:
            raise ModelError(f"its files cannot be copied to a temporary directory: {error}") from error

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Compare predictions for X with y; returns the metrics by name and keeps them for metadata.json.

        A twin that `save` makes is compared with the model on this X.
        """
        from .scores import score

        self._compared = X = self._conformed(X)
        proba = self.answer(X, proba=True) if self.has_proba else None
        # Numbers are compared as they are answered; labels, which `postprocess` may name, as the data has them.
        y_hat = self.answer(X) if self.labels is None else self._unprocessed(X, False)
        self.metrics = score(self.task, np.asarray(y), y_hat, proba, self.labels)
        return self.metrics

    @property
    def has_proba(self) -> bool:
        return any(output.name == "predict_proba" for output in self.outputs)

    def save(self, dirpath: str | Path, extras_seconds: float = 20) -> None:
        """Write a model directory. It appears whole or not at all.

        The compiled model is made when all else is written, for `extras_seconds` at most, and none with 0.
        `twin_note` says what came of it. Ctrl-C ends that and leaves a whole directory without one.

        Raises ModelError where there is no model yet, FileExistsError where `dirpath` exists already.
        """
        if not self.signature.columns:
            raise ModelError("there is no model yet: train it first")
        dirpath = Path(dirpath).absolute()
        settle(dirpath)
        with _draft.new(dirpath) as draft:
            metadata = self._write(draft.path)
            try:
                metadata.twin = self._compiled(draft.path, extras_seconds)
                if metadata.twin:
                    metadata.files[_twin.FILE] = _digest(draft.path / _twin.FILE)
                    _write_metadata(draft.path, metadata)
            except KeyboardInterrupt:
                self.twin_note = "No compiled model: the conversion was interrupted."
                raise
            finally:
                _remove_unlisted(draft.path)
                draft.finish()

    def _write(self, folder: Path) -> Metadata:
        """Write all that a model directory has to have, metadata.json last."""
        self.dump(folder / self.WEIGHTS)
        request = {"instances": self._rows(self.example)}
        (folder / "input.json").write_bytes(msgspec.json.encode(request) + b"\n")
        metadata = Metadata(
            name=type(self).__module__.split(".")[0],
            platform=self.FRAMEWORK,
            task=self.task,
            inputs=self.signature.inputs,
            outputs=self.outputs,
            columns=self.signature.columns,
            missing=self.signature.missing,
            labels=None if self.labels is None else self.labels.tolist(),
            metrics=self.metrics,
            state=self.state,
            twin=None,
            versions={"python": platform.python_version(), self.FRAMEWORK: self.version()},
            files={name: _digest(folder / name) for name in _files_in(folder)},
        )
        _write_metadata(folder, metadata)
        return metadata

    def _compiled(self, folder: Path, seconds: float) -> dict[str, float] | None:
        """Add the compiled model to a folder that has all else; None, and a note why, where there can be none."""
        reason = ""
        if self.WEIGHTS == _twin.FILE:
            reason = "the model is one itself"
        elif type(self).to_onnx is Model.to_onnx:
            reason = f"there is none for {self.FRAMEWORK}"
        elif not seconds:
            reason = "--extras_seconds is 0"
        elif self._compared is None:
            reason = "there was no evaluation, so nothing to compare it on"
        else:
            from . import extras as _compile

            X = self._compared
            try:
                X = self.preprocess(X[:: -(-len(X) // _compile.ROWS)])
                twin = _compile.compile_model(self, folder, X, seconds)
                self.twin_note = (
                    f"Compiled model: {_twin.FILE} agrees on {twin['rows']} rows, "
                    f"scores within {twin['largest_difference']:.0e}"
                )
                return twin
            except Exception as error:  # also of a `preprocess` that needs all rows, or a disk that is full
                reason = str(error).partition("\n")[0]
        self.twin_note = f"No compiled model: {reason}."
        return None

    def load(self, dirpath: str | Path) -> None:
        """Read a model directory; nothing is unpickled before the digests agree.

        Raises ModelError where a file is missing, damaged, changed, or another framework's.
        """
        dirpath = Path(dirpath)
        metadata = self._read_metadata(dirpath)
        for name, digest in metadata.files.items():
            file = dirpath / name
            if not file.is_file():
                raise ModelError(f"{file} is missing, and {dirpath / 'metadata.json'} lists it")
            if _digest(file) != digest:
                raise ModelError(f"{file} is not the file that was saved: its SHA-256 differs from metadata.json")
        self.task = metadata.task
        self.labels = None if metadata.labels is None else np.array(metadata.labels)
        self.metrics = metadata.metrics
        self.outputs = metadata.outputs
        self.state = metadata.state
        self.signature = Signature(metadata.columns, metadata.missing)
        if self.runtime == "onnx" and not metadata.twin:
            raise ModelError(f"{dirpath} has no compiled twin, which the runtime onnx asks for")
        if self.runtime == "onnx" and not _twin.available():
            raise ModelError("the runtime onnx asks for ONNX Runtime: pip install onnxruntime")
        on = {"native": False, "onnx": True, "auto": self.device == "cpu"}[self.runtime]
        twin = metadata.twin and on and _twin.available()
        if not twin:
            self._warn_of_versions(dirpath, metadata.versions)
        try:
            self.example = self._read_example(dirpath / "input.json")
            self._weights = dirpath / self.WEIGHTS
            if twin:
                self.twin = _twin.Twin(dirpath / _twin.FILE, self.device)
            else:
                self.restore(self._weights)
                self.place()
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"{dirpath} cannot be loaded: {type(error).__name__}: {error}") from error
        self._loaded, self._explainer = (dirpath, metadata), None

    @property
    def platform(self) -> str:
        """What answers, for the Open Inference Protocol's metadata: the framework or the twin's runtime, and a GPU."""
        name = "onnxruntime" if self.twin else self.FRAMEWORK
        return name if self.device == "cpu" else f"{name}_{self.device}"

    def _warn_of_versions(self, dirpath: Path, versions: dict[str, str]) -> None:
        for name, here in (("python", platform.python_version()), (self.FRAMEWORK, self.version())):
            saved = versions.get(name, "unknown")
            if saved.split(".")[:2] != here.split(".")[:2]:
                logger.warning("%s was saved with %s %s and is loaded with %s", dirpath, name, saved, here)

    def _read_metadata(self, dirpath: Path) -> Metadata:
        file = dirpath / "metadata.json"
        if not dirpath.is_dir():
            raise ModelError(f"{dirpath} is not a directory: expected a model directory, as training writes it")
        try:
            metadata = msgspec.json.decode(file.read_bytes(), type=Metadata)
        except FileNotFoundError:
            raise ModelError(f"{file} is missing: {dirpath} is not a model directory") from None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ModelError(f"{file} cannot be read: {error}") from error
        if metadata.platform != self.FRAMEWORK:
            raise ModelError(f"{dirpath} is a model of {metadata.platform}; this package serves {self.FRAMEWORK}")
        needed = {self.WEIGHTS, "input.json", *([_twin.FILE] if metadata.twin else [])}
        paths = [PurePosixPath(name) for name in metadata.files]
        if not needed <= {str(path) for path in paths} | {path.parts[0] for path in paths}:
            raise ModelError(f"{file} does not list {', '.join(sorted(needed))}")
        names = Signature(metadata.columns).names
        if not names or len(set(names)) < len(names):
            raise ModelError(f"{file} lists no columns, or one of them twice")
        if any(path.is_absolute() or ".." in path.parts for path in paths):
            raise ModelError(f"{file} lists files outside of its directory")
        return metadata

    def _read_example(self, file: Path) -> Any:
        rows = msgspec.json.decode(file.read_bytes())["instances"]
        if isinstance(rows[0], dict):
            rows = [[row[name] for name in self.signature.names] for row in rows]
        return self.signature.conform(rows)

    def _rows(self, X: Any) -> list[Any]:
        """Rows as a client writes them: lists where all columns are numbers, else records."""
        if self.signature.tensor:
            return X.tolist()
        rows: list[Any] = [
            [
                bool(value) if column.datatype == "BOOL" and value == value else value
                for column, value in zip(self.signature.columns, row)
            ]
            for row in np.asarray(X, dtype=object).tolist()
        ]
        return rows if self.signature.numeric else [dict(zip(self.signature.names, row)) for row in rows]

    def _typical(self, X: Any) -> Any:
        """One row to show in input.json: no row of the data, but the middle of it.

        Text that occurs only once, as names do, is not shown.
        """
        import pandas as pd

        if self.signature.tensor:
            return np.median(X, axis=0, keepdims=True)
        frame = pd.DataFrame(X)
        typical = [
            _most_frequent(column) if column.dtype == object else column.quantile(interpolation="nearest")
            for _, column in frame.items()
        ]
        return self.signature.conform([typical])

    def _describe(self, X: Any) -> tuple[Tensor, ...]:
        """The V2 outputs, as this model really answers."""
        outputs = [_tensor("predict", self.predict(X))]
        if self.task == "classification":
            try:
                outputs.append(_tensor("predict_proba", self.predict(X, proba=True)))
            except (AttributeError, NotImplementedError):
                logger.warning("this model gives no probabilities")
        return tuple(outputs)


#: Datatypes of the Open Inference Protocol by numpy's kind of array.
_DATATYPES = {"b": "BOOL", "U": "BYTES", "O": "BYTES", "S": "BYTES"}


def _tensor(name: str, values: np.ndarray) -> Tensor:
    kind = values.dtype.kind
    width = 8 * values.dtype.itemsize
    datatype = _DATATYPES.get(kind) or {"i": "INT", "u": "UINT", "f": "FP"}[kind] + str(width)
    return Tensor(name, datatype, (-1, *values.shape[1:]))


def _most_frequent(column: Any) -> str | None:
    counts = column.value_counts()
    if counts.empty:
        return None
    return str(counts.index[0]) if counts.iloc[0] > 1 else "text"


def settle(dirpath: Path) -> bool:
    """Decide what becomes of the draft of a model directory that a killed training left: a whole one gets its name,
    and others are removed. Returns whether the directory was finished.
    """
    with _draft.leftover(dirpath) as draft:
        if draft is None or dirpath.exists():
            return False
        try:
            metadata = msgspec.json.decode((draft.path / METADATA).read_bytes(), type=Metadata)
            if any(_digest(draft.path / name) != digest for name, digest in metadata.files.items()):
                return False
        except (OSError, ValueError):  # msgspec's errors are ValueErrors
            return False
        _remove_unlisted(draft.path)
        draft.finish()
        return True


def _remove_unlisted(folder: Path) -> None:
    """Remove a compiled model that metadata.json does not list: whether it is good was still to be found out."""
    metadata = msgspec.json.decode((folder / METADATA).read_bytes(), type=Metadata)
    for name in set(_files_in(folder)) - set(metadata.files):
        (folder / name).unlink()


def _files_in(folder: Path) -> list[str]:
    """The files that metadata.json lists, by their paths."""
    own = (METADATA, _draft.LOCK)
    files = (file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file())
    return [name for name in files if name not in own]


def _write_metadata(folder: Path, metadata: Metadata) -> None:
    """Write metadata.json in one step: there is the old one or the new one, whenever the process ends."""
    file = folder / f"{METADATA}.new"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(metadata)) + b"\n")
    file.replace(folder / METADATA)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read_unchanged(dirpath: Path, name: str, digest: str) -> bytes:
    """Read a file of a model directory that was loaded. Raises ModelError where it is another one now."""
    try:
        content = (dirpath / name).read_bytes()
    except OSError as error:
        raise ModelError(f"{name} in {dirpath} cannot be read again: {error.strerror}; reload the model") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(f"{name} in {dirpath} has changed since the model was loaded; reload the model")
    return content
