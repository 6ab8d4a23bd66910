"""Promises of what a model that is opened says of itself."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from _engine.serving.opening import answered_labels


@pytest.mark.parametrize(
    ("postprocess", "expected"),
    [
        (lambda y: y, ["no", "yes"]),
        (lambda y: np.where(y == "yes", "leaves", "stays"), ["stays", "leaves"]),
        (lambda y: [label == "yes" for label in y], [False, True]),
        (lambda y: np.array("most: yes"), None),
        (lambda y: y[7], None),
    ],
    ids=["as they are", "renamed", "in a list", "put together", "fails"],
)
def test_labels_are_named_as_they_are_answered(postprocess: Callable[[Any], Any], expected: Any) -> None:
    model: Any = SimpleNamespace(labels=np.array(["no", "yes"]), postprocess=postprocess)
    assert answered_labels(model) == expected


def test_numbers_have_no_labels() -> None:
    assert answered_labels(SimpleNamespace(labels=None)) is None
