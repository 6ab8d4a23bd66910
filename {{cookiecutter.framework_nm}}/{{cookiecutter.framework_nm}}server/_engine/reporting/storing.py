"""Which algorithms in a fitted model store rows of the data that it was trained on. Not here: removing them."""

from __future__ import annotations

from typing import Any, List

#: What scikit-learn's estimators that keep rows are called, or are derived from.
KEEP_ROWS = {
    "NeighborsBase",
    "BaseLibSVM",
    "KernelRidge",
    "GaussianProcessRegressor",
    "GaussianProcessClassifier",
    "BaseLabelPropagation",
}


def keeps_rows(model: Any) -> List[str]:
    """The names of the estimators in a fitted model, pipelines and ensembles included, that keep rows."""
    found, seen, waiting = set(), set(), [model]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type):
            continue
        seen.add(id(item))
        if isinstance(item, (list, tuple)):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
        elif hasattr(item, "get_params") and hasattr(item, "__dict__"):
            if KEEP_ROWS & {kind.__name__ for kind in type(item).__mro__}:
                found.add(type(item).__name__)
            waiting += vars(item).values()
    return sorted(found)
