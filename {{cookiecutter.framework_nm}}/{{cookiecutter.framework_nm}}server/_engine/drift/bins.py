"""Bins of one column, or of predictions: how rows of training choose them, and how many values fall into each.

Not here: which rows are counted.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import msgspec
import numpy as np

from ..contract.privacy import DIGITS

#: Bins of a column of numbers, at most: tenths of the rows, as the index has been used from its beginning.
PARTS = 10
#: Texts of a column that have a bin of their own, at most, and how long each may be.
NAMED, LONGEST = 50, 100


class Bins(msgspec.Struct, frozen=True):
    """Bins, and how many rows of training each of them has.

    Of numbers, bin i has those above edge i - 1, up to edge i; the next one has all above. Of texts, bin i has text i,
    and the next one all others. The last bin has missing values.
    """

    counts: Tuple[int, ...]
    edges: Tuple[float, ...] = ()
    texts: Optional[Tuple[str, ...]] = None

    def count(self, values: np.ndarray) -> np.ndarray:
        """How many of the values, [rows], each bin has: numbers, or texts; NaN, or None, where they are missing."""
        if self.texts is None:
            return count_numbers(values, np.array(self.edges))
        found = Counter(values.tolist())
        missing = found.pop(None, 0)
        named = [found.pop(text, 0) for text in self.texts]
        return np.array([*named, sum(found.values()), missing])


class Comparison(NamedTuple):
    """Rows that were counted, beside those of training: their population stability index, and the shares of missing
    values and of texts without a bin of their own, each of now and of training; None where there are no texts."""

    name: str
    rows: int
    psi: float
    missing: float
    missing_in_training: float
    unseen: Optional[float] = None
    unseen_in_training: Optional[float] = None


def count_numbers(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many of the numbers, [rows], each bin between the edges has, and how many are NaN."""
    # A comparison with each of a few edges is several times as quick as a search for each number.
    up_to = [np.count_nonzero(values <= edge) for edge in edges]
    missing = np.count_nonzero(values != values)
    return np.append(np.diff([0, *up_to, len(values) - missing]), missing)


def of_numbers(values: np.ndarray, min_count: int) -> Bins:
    """Bins of about as many numbers each, [rows], and of `min_count` at least.

    An edge is a number that so many rows share, or it is rounded: to two digits of how far the numbers reach.
    """
    known = np.sort(values[~np.isnan(values)])
    edges: List[float] = []
    before = 0
    for edge in _quantiles(known, min_count):
        below = int(np.searchsorted(known, edge, side="right"))
        if below - before >= min_count and len(known) - below >= min_count:
            edges.append(edge)
            before = below
    return Bins(tuple(count_numbers(values, np.array(edges)).tolist()), tuple(edges))


def of_texts(values: Sequence[Optional[str]], min_count: int) -> Optional[Bins]:
    """Bins of the most frequent texts that `min_count` rows share at least; None where there are none."""
    found = Counter(text for text in values if text is not None)
    named = tuple(text for text, rows in found.most_common(NAMED) if rows >= min_count and len(text) <= LONGEST)
    return named_bins(named, values) if named else None


def named_bins(texts: Tuple[str, ...], values: Sequence[Optional[str]]) -> Bins:
    """A bin for each of the texts, by the values of some rows."""
    bins = Bins((), texts=texts)
    return Bins(tuple(bins.count(np.array(values, object)).tolist()), texts=texts)


def compare(name: str, bins: Bins, counts: Any) -> Comparison:
    """Compare counts of rows, of which there are some, with those of training."""
    then, now = np.array(bins.counts), np.asarray(counts)
    shares = [counted[-2:] / counted.sum() for counted in (now, then)]
    (unseen, missing), (unseen_then, missing_then) = [map(float, share) for share in shares]
    found = Comparison(name, int(now.sum()), psi(then, now), missing, missing_then)
    return found if bins.texts is None else found._replace(unseen=unseen, unseen_in_training=unseen_then)


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two counts of the same bins: the sum over all bins of
    (a - e) * ln(a / e), where e and a are the shares of training's rows and of those of now that are in the bin.

    It is the symmetric Kullback-Leibler divergence, which Kullback and Leibler, On Information and Sufficiency (1951),
    call J. Siddiqi, Credit Risk Scorecards (2006), reads it so: below 0.1 nothing has changed, from 0.25 on much has.
    By chance alone it is about (bins - 1) * (1 / rows of training + 1 / rows of now): Yurdakul, Statistical Properties
    of Population Stability Index (2018). Half a row is added to each bin that either has, so that an empty one is
    finite, as Jeffreys' prior does.
    """
    there = (expected > 0) | (actual > 0)
    e, a = ((counts[there] + 0.5) / (counts[there] + 0.5).sum() for counts in (expected, actual))
    return float(((a - e) * np.log(a / e)).sum())


def _quantiles(known: np.ndarray, min_count: int) -> List[float]:
    """What parts sorted numbers into tenths, or into fewer parts, in rising order and each once."""
    if not len(known):
        return []
    low, high = (float(known[int(share * (len(known) - 1))]) for share in (0.1, 0.9))
    spread = high - low or float(known[-1] - known[0])
    digits = DIGITS - 1 - math.floor(math.log10(spread)) if spread > 0 else 0
    parts = min(PARTS, len(known) // min_count) or 1
    values = [float(known[part * len(known) // parts]) for part in range(1, parts)]
    ends = [(np.searchsorted(known, value), np.searchsorted(known, value, side="right")) for value in values]
    return sorted(
        {value if end - first >= min_count else round(value, digits) for value, (first, end) in zip(values, ends)}
    )
