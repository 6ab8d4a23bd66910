"""A column of a model's input, and a tensor of the Open Inference Protocol. Not here: what is done with values."""

from __future__ import annotations

from typing import Literal, Optional, Tuple

import msgspec

from .dates import Dates
from .forms import Form

_KINDS = {"FP64": "number", "BOOL": "true or false", "BYTES": "text"}


class Tensor(msgspec.Struct, frozen=True):
    """A tensor's name, datatype and shape; -1 in a shape is any number of rows."""

    name: str
    datatype: str
    shape: Tuple[int, ...]


class Column(msgspec.Struct, frozen=True):
    """One column of the training data.

    `datatype` is FP64 (numbers), BOOL (true or false) or BYTES (text, or dates where `form` says so). `nullable` says
    that training saw missing values in this column, so that a request may have them too. `shape` is that of one row's
    value: () in a table, such as (28, 28) where a row is an image. `form` is how the values may be spelt, where that
    is not JSON's way.
    """

    name: str
    datatype: Literal["FP64", "BOOL", "BYTES"]
    nullable: bool = False
    shape: Tuple[int, ...] = ()
    form: Optional[Form] = None

    @property
    def text(self) -> bool:
        """Whether its values are text for the model, too, and no numbers."""
        return self.datatype == "BYTES" and self.form is None

    @property
    def kind(self) -> str:
        """What it is, in words."""
        if self.shape:
            return f"tensor of {' x '.join(map(str, self.shape))}"
        return "date" if isinstance(self.form, Dates) else _KINDS[self.datatype]
