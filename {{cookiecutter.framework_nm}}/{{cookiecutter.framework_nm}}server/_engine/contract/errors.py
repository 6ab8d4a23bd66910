"""What can be wrong with a model directory or with rows, for every room. Not here: mistakes in a protocol's bytes."""

from __future__ import annotations


class ModelError(Exception):
    """A model directory that cannot be used. The message names the file and the reason."""


class Unanswerable(ValueError):
    """Rows that fit the signature and that a model cannot answer all the same: the client's mistake.

    The message names the row and the reason.
    """
