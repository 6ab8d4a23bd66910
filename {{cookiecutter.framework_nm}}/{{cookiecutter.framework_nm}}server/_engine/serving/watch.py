"""What a served model is asked and answers, counted against what training saw: the rows of the last day.

A call of the model costs a reference to its rows, or a copy where they are a part of a large request: a thread counts
many at once, or whoever looks. It rests in between, so that requests have the processor; what is more than may wait
meanwhile is not counted. Not here: the bins, and how counts are shown.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..contract.signature import Signature
from ..drift.bins import Bins, Comparison, compare
from ..drift.reference import FILE, Named, Reference, columns_of
from .stacking import stack
from .worker import Worker

if TYPE_CHECKING:
    from .opening import Servable

logger = logging.getLogger(__name__)

#: Rows that are counted at once, and those that may wait for it.
_AT_ONCE, _MOST = 4096, 65_536
#: Numbers that may wait: of many columns, that many rows would take much memory.
_NUMBERS = 2_000_000
#: How many times as long as it has counted a thread rests.
_REST = 19
#: Counts are forgotten by the hour.
_HOURS, _HOUR = 24, 3600.0
#: Rows that wait are copied where more than so many times their own bytes would stay in memory for them.
_SPARE = 1.25


class Figures(NamedTuple):
    """What was found of the last day: rows, columns beside training's, and predictions where they can be told."""

    rows: int
    columns: List[Comparison]
    predictions: Optional[Comparison]


class Gauge(NamedTuple):
    """A metric of drift: its name, what it is, and its values by column, or by "" where it is the model's."""

    name: str
    help: str
    values: Dict[str, float]


class Watch:
    """Counts what one model is asked and answers. `named` reads labels; numbers are predicted where there is none."""

    def __init__(
        self,
        signature: Signature,
        reference: Reference,
        named: Optional[Named] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._columns = [
            (at, name, reference.columns[name]) for at, name in enumerate(signature.names) if name in reference.columns
        ]
        self._predictions = reference.predictions
        self._named = named
        self._clock = clock
        self._waiting: Deque[Tuple[Any, np.ndarray]] = deque()
        self._rows = 0
        self._most = max(_AT_ONCE, min(_MOST, _NUMBERS // max(len(signature.names), 1)))
        self._asked = False
        self._rests = -math.inf  # until then
        self._worker = Worker()
        self._counting = threading.Lock()
        self._hours: Deque[Tuple[int, Dict[str, Any]]] = deque(maxlen=_HOURS)

    def note(self, X: Any, values: Any) -> None:
        """Rows were asked, in the signature's form, and answered with predictions, [rows], or probabilities."""
        if self._rows >= self._most:
            self._ask()
            return
        if isinstance(X, np.ndarray) and X.base is not None and _held(X) > _SPARE * X.nbytes:
            X = X.copy()
        self._waiting.append((X, np.asarray(values)))
        self._rows += len(X)
        if self._rows >= _AT_ONCE:
            self._ask()

    def _ask(self) -> None:
        """Have the thread count, unless it does, or rests."""
        if not self._asked and self._clock() >= self._rests:
            self._asked = True
            self._worker.call(self._count_and_rest)

    def _count_and_rest(self) -> None:
        began = self._clock()
        self.count()
        ended = self._clock()
        self._rests = ended + _REST * (ended - began)
        self._asked = False

    def count(self) -> None:
        """Count what waits."""
        with self._counting:
            asked, answered = [], []
            while self._waiting:
                X, values = self._waiting.popleft()
                asked.append(X)
                answered.append(values)
            self._rows = 0
            if not asked:
                return
            try:
                self._add(self._counts(asked, answered))
            except Exception:  # `post_func` may answer whatever it likes
                logger.exception("Drift is no longer watched: what was asked or answered could not be counted")
                self._columns, self._predictions = [], None

    def figures(self) -> Figures:
        """Compare the rows of the last day with those of training."""
        self.count()
        total: Dict[str, Any] = {}
        with self._counting:
            first = self._hour() - _HOURS
            for hour, found in self._hours:
                if hour > first:
                    _sum_up(total, found)
        columns = [compare(name, bins, total[f"c{at}"]) for at, name, bins in self._columns if f"c{at}" in total]
        predictions = None
        if self._predictions and "predictions" in total:
            predictions = compare("predictions", self._predictions, total["predictions"])
        return Figures(int(total.get("rows", 0)), columns, predictions)

    def _hour(self) -> int:
        return int(self._clock() // _HOUR)

    def _add(self, counts: Dict[str, Any]) -> None:
        hour = self._hour()
        if not self._hours or self._hours[-1][0] != hour:
            self._hours.append((hour, {}))
        _sum_up(self._hours[-1][1], counts)

    def _counts(self, asked: List[Any], answered: List[np.ndarray]) -> Dict[str, Any]:
        """How many rows there are in each bin: of columns by their place, and of predictions."""
        counts: Dict[str, Any] = {"rows": sum(map(len, asked))}
        columns = columns_of(stack(asked)) if self._columns else []
        for at, _, bins in self._columns:
            counts[f"c{at}"] = bins.count(columns[at])
        for shape in (1, 2):  # predictions, and probabilities of labels
            alike = [values for values in answered if values.ndim == shape]
            if alike and self._predictions:
                found = self._predicted(np.concatenate(alike), self._predictions)
                _sum_up(counts, {} if found is None else {"predictions": found})
        return counts

    def _predicted(self, values: np.ndarray, bins: Bins) -> Optional[np.ndarray]:
        if self._named is None:
            return bins.count(values.astype(np.float64)) if values.ndim == 1 else None
        texts = self._named.read(values)
        return None if texts is None else bins.count(texts)


def watch(model: Servable, answered: Optional[List[Any]]) -> Optional[Watch]:
    """What watches a model whose labels are answered so; None, and a line in the log, where training kept nothing."""
    if model.reference is None:
        logger.info("Drift is not watched: there is no %s, which training writes since this version", FILE)
        return None
    named = None if model.labels is None else Named(model.labels, answered, model.threshold)
    return Watch(model.signature, model.reference, named)


def gauges(watch: Optional[Watch]) -> List[Gauge]:
    """What was found of a model, as metrics; one alone, which is 0, where it is not watched."""
    found = watch.figures() if watch else None
    watched = Gauge(
        "inference_drift_watched", f"Whether the model has {FILE} to compare with", {"": float(found is not None)}
    )
    if found is None:
        return [watched]
    columns, predictions = found.columns, found.predictions
    texts = [one for one in columns if one.unseen is not None]
    return [
        watched,
        Gauge("inference_drift_rows", "Rows of the last day that are compared with training's", {"": found.rows}),
        Gauge(
            "inference_drift_psi",
            "Population stability index of a column: below 0.1 like training, from 0.25 on far from it",
            {one.name: one.psi for one in columns},
        ),
        Gauge(
            "inference_drift_prediction_psi",
            "Population stability index of the predictions, beside those of the evaluation",
            {"": predictions.psi} if predictions else {},
        ),
        Gauge("inference_drift_missing_ratio", "Share of missing values", {one.name: one.missing for one in columns}),
        Gauge(
            "inference_drift_training_missing_ratio",
            "Share of missing values in training",
            {one.name: one.missing_in_training for one in columns},
        ),
        Gauge(
            "inference_drift_unseen_ratio",
            "Share of texts that training saw never, or seldom",
            {one.name: one.unseen or 0.0 for one in texts},
        ),
        Gauge(
            "inference_drift_training_unseen_ratio",
            "Share of texts in training that it saw seldom",
            {one.name: one.unseen_in_training or 0.0 for one in texts},
        ),
    ]


def _held(X: np.ndarray) -> int:
    """How many bytes stay in memory as long as an array does: of a part of a larger request, all of that."""
    owner: Any = X
    while True:
        of = owner.base if isinstance(owner, np.ndarray) else getattr(owner, "obj", None)
        if of is None:
            return memoryview(owner).nbytes
        owner = of


def _sum_up(total: Dict[str, Any], counts: Dict[str, Any]) -> None:
    for name, found in counts.items():
        total[name] = total.get(name, 0) + found
