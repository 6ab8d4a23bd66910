"""The compiled model: the same model as ONNX, which answers one row up to hundreds of times faster.

It is kept beside the weights only if it answers as the model does; who makes it is `to_onnx` in model.py.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any, Callable, List, Optional

import numpy as np

FILE = "model.onnx"
#: How far scores may differ, absolutely; predicted numbers, relative to themselves and to their standard deviation.
TOLERANCE = 1e-5
#: And how far in parts of the standard deviation alone, which is small beside numbers such as a time in seconds.
COARSENESS = 1e-3
#: Rows of the calls by which the compiled model is timed beside the framework's own.
TIMED = (64, 256, 1000)
#: What share of the compiled model's time the framework's own may take to be clearly quicker, and the seconds that it
#: has to save in a call: to load it takes a second and tens of megabytes.
_CLEARLY, _WORTH = 0.8, 0.0002
#: Calls of which the quickest counts, and seconds from which on one is enough.
_CALLS, _ENOUGH = 3, 0.1


def available() -> bool:
    """Whether ONNX Runtime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


def find_provider(device: str) -> str:
    """ONNX Runtime's name for a device. Raises ValueError where its build cannot use one."""
    import onnxruntime

    provider = f"{device.upper()}ExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise ValueError(f"the device {device} was requested, but ONNX Runtime has no {provider} here")
    return provider


def open_session(model: Path | bytes, device: str) -> Any:
    """Make ready to run an ONNX model, a file or its content. Raises ValueError where the device is not there."""
    import onnxruntime

    provider = find_provider(device)
    if device == "cuda":
        onnxruntime.preload_dlls()  # NVIDIA's libraries, where pip installed them
    onnxruntime.set_default_logger_severity(4)  # lines that no logging sees; its errors are raised as well
    options = onnxruntime.SessionOptions()
    # Requests are batched before they come here; more threads would only wait for each other.
    options.intra_op_num_threads = 1
    content = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(content, options, providers=[provider])
    if provider not in session.get_providers():  # ONNX Runtime falls back without an error
        raise ValueError(f"the device {device} was requested, but {provider} finds none")
    return session


class CompiledModel:
    """Runs an ONNX model, a file or its content, whose scores are put in the order of the labels by `order`."""

    def __init__(self, model: Path | bytes, device: str = "cpu", order: Optional[List[int]] = None) -> None:
        self.session = open_session(model, device)
        self.order = order
        self.input = self.session.get_inputs()[0].name
        self.output = self.session.get_outputs()[-1].name  # a classifier's probabilities come behind its labels

    def infer(self, X: np.ndarray, labels: np.ndarray | None, proba: bool) -> np.ndarray:
        """Answer encoded input, [rows, features], as `MyModel.infer` does."""
        (scores,) = self.session.run([self.output], {self.input: X.astype(np.float32)})
        return decide(ordered(scores, self.order), labels, proba)


def ordered(scores: np.ndarray, order: Optional[List[int]]) -> np.ndarray:
    """Scores of labels, [rows, labels], or [rows], which are the second one's of two, in another order, if any."""
    if not order:
        return scores
    return (np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores)[:, order]


def decide(
    scores: np.ndarray, labels: np.ndarray | None, proba: bool = False, threshold: float | None = None
) -> np.ndarray:
    """What scores answer, be they a compiled model's or a framework's own.

    Without labels they are the numbers predicted, [rows], [rows, 1], or [rows, n] of several. Else they are the labels'
    probabilities, [rows, labels], or [rows], which are the second one's of two; without `proba` the likeliest label is
    answered, or the second of two where its probability reaches a threshold.
    """
    scores = scores.astype(np.float64)
    if labels is None:
        return scores.reshape(len(scores)) if scores.size == len(scores) else scores
    if scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    if proba:
        return scores
    return labels[scores.argmax(axis=1) if threshold is None else (scores[:, 1] >= threshold).astype(int)]


def compare(compiled: CompiledModel, model: Any, X: Any) -> float:
    """The largest difference between the compiled model and the model on preprocessed input X.

    Raises ValueError where labels differ, or scores by more than TOLERANCE and COARSENESS allow.
    """
    encoded, classify = model.encode(X), model.labels is not None
    if classify and (compiled.infer(encoded, model.labels, False) != model.infer(encoded, False)).any():
        raise ValueError("its labels differ from the model's")
    ours, theirs = compiled.infer(encoded, model.labels, True), model.infer(encoded, classify)
    if model.threshold is not None:
        ours_chosen, theirs_chosen = (
            decide(scores, model.labels, threshold=model.threshold) for scores in (ours, theirs)
        )
        if (ours_chosen != theirs_chosen).any():
            raise ValueError(f"its labels differ from the model's at the threshold {model.threshold:g}")
    off, most, beside = np.abs(ours - theirs), TOLERANCE, ""
    if not classify:
        deviation = theirs.std() or np.abs(theirs).max() or 1.0
        most = np.minimum(TOLERANCE * (np.abs(theirs) + deviation), COARSENESS * deviation)
        beside = f" (their standard deviation is {theirs.std():.1g})"
    if not (off <= most).all():
        raise ValueError(f"its {_kind(classify)} differ from the model's by up to {off.max():.1g}{beside}")
    return float(off.max())


def agreement(difference: float, classify: bool) -> str:
    """How near the compiled model's answers are to the model's, in words."""
    return f"{_kind(classify)} within {difference:.1g}"


def _kind(classify: bool) -> str:
    return "scores" if classify else "numbers"


def native_from(
    compiled: Callable[[Any], object], native: Callable[[Any], object], rows: Callable[[int], Any]
) -> int | None:
    """From how many of the TIMED rows on is the framework's own model so much quicker that it is worth its memory; None
    where it never is.

    Both are called with what `rows` makes of such a number. Raises what they raise.
    """
    least = None
    for count in reversed(TIMED):
        X = rows(count)
        beside = _seconds(compiled, X)
        if _seconds(native, X) > min(_CLEARLY * beside, beside - _WORTH):
            break
        least = count
    return least


def repeated(X: Any, count: int) -> Any:
    """So many rows, from the first one of X on, and again."""
    rows = np.arange(count) % len(X)
    return X.iloc[rows].reset_index(drop=True) if hasattr(X, "iloc") else X[rows]


def _seconds(call: Callable[[Any], object], X: Any) -> float:
    took: List[float] = []
    while len(took) < _CALLS and not (took and took[-1] > _ENOUGH):
        start = time.perf_counter()
        call(X)
        took.append(time.perf_counter() - start)
    return min(took)
