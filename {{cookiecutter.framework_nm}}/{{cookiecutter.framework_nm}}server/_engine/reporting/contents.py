"""What a report says, as numbers: the content of report.json. Not here: computing them, and showing them."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import msgspec
import numpy as np

from ..artifact.metadata import Metadata


class Evaluation(NamedTuple):
    """Rows that a model was evaluated on: X in the signature's form, what the target is and what was predicted, both
    [rows], the probabilities, [rows, labels], or None, and the number of each row in the data.

    Labels are as the data has them, and sorted; None where numbers are predicted.
    """

    X: Any
    y: np.ndarray
    y_hat: np.ndarray
    proba: Optional[np.ndarray]
    labels: Optional[np.ndarray]
    rows: np.ndarray


class Column(msgspec.Struct, frozen=True):
    """A column by its evaluation rows: `quantiles` are the 10th, 50th and 90th percentile, rounded, and `frequent`
    the texts that enough rows share, with how many do."""

    name: str
    kind: str
    missing: int
    distinct: int
    quantiles: Optional[Tuple[float, ...]] = None
    frequent: Tuple[Tuple[str, int], ...] = ()


class Label(msgspec.Struct, frozen=True):
    """How well a label is told from the others; a share that no row tells is None."""

    name: str
    rows: int
    precision: Optional[float]
    recall: Optional[float]
    f1: Optional[float]
    roc_auc: Optional[float]


class Confusion(msgspec.Struct, frozen=True):
    """How many rows of each label, a list per label, were predicted as each one."""

    labels: List[str]
    counts: List[List[int]]


class Curve(msgspec.Struct, frozen=True):
    """A line through points; `area` is what lies under it."""

    name: str
    x: List[float]
    y: List[float]
    area: float


class Bin(msgspec.Struct, frozen=True):
    """Rows with similar predictions: the mean of what was predicted, and of what came true."""

    predicted: float
    observed: float
    rows: int


class Density(msgspec.Struct, frozen=True):
    """How many rows lie between the edges: a number for each interval, or a list of true values for each prediction.

    What lies outside is counted at the ends."""

    edges: List[float]
    counts: List[Any]


class WorstRow(msgspec.Struct, frozen=True):
    """A row by its number in the data, and how far the model is off: by 1 minus the probability of its label, or by
    the absolute error. Its values are there only where they were asked for."""

    row: int
    error: float
    target: Any = None
    prediction: Any = None
    values: Optional[Dict[str, Any]] = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation showed beside the metrics; `by_chance`: that it may be no better than knowing nothing."""

    rows: int
    by_chance: bool = False
    labels: List[Label] = []
    confusion: Optional[Confusion] = None
    roc: List[Curve] = []
    precision_recall: List[Curve] = []
    calibration: List[Bin] = []
    residuals: Optional[Density] = None
    predicted_against_true: Optional[Density] = None
    worst: List[WorstRow] = []


class Importance(msgspec.Struct, frozen=True):
    """How much worse the model does, by mean and standard deviation, where a column's values are shuffled."""

    column: str
    mean: float
    deviation: float


class Importances(msgspec.Struct, frozen=True):
    """The importance of columns, the largest first; `measure` is what grew, and `left_out` how many columns there was
    no time for."""

    measure: str
    rows: int
    columns: List[Importance]
    left_out: int


class Previous(msgspec.Struct, frozen=True):
    """The version before: its metrics, and whether they are of the same data, split alike."""

    version: str
    metrics: Dict[str, float]
    same_rows: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report says. `keeps_rows` names the algorithms in the model that store rows of the training data."""

    version: str
    model: Metadata
    columns: List[Column]
    figures: Optional[Figures]
    importances: Optional[Importances]
    previous: Optional[Previous]
    keeps_rows: List[str]
    min_count: int
