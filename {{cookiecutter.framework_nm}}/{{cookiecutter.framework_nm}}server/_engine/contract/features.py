"""What a model learns from: a signature's columns, and of each date the parts that vary.

Not here: what clients send, which is the signature's, and what the owner's preprocessing makes of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

import numpy as np

from .dates import Dates, parts_of
from .signature import Signature

if TYPE_CHECKING:
    from .signature import Input


class Features:
    """Turns input in a signature's form into the columns that a model learns from, of these `names`.

    What it makes is the owner's to change in place: the input itself may be a client's bytes, which cannot be changed,
    and is answered from, evaluated and counted more than once.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        taken = set(signature.names)
        self.names: List[str] = []
        #: The position of each column of dates, its parts, and the names of their features.
        self._dates: Dict[int, Dict[str, str]] = {}
        for at, column in enumerate(signature.columns):
            if isinstance(column.form, Dates):
                self._dates[at] = {part: _free(f"{column.name}_{part}", taken) for part in column.form.parts}
                self.names += self._dates[at].values()
            else:
                self.names.append(column.name)

    def __call__(self, X: Input) -> Input:
        if not self._dates:
            return np.array(X) if isinstance(X, np.ndarray) else X.copy()
        if isinstance(X, np.ndarray):
            columns = list(X.T)
            return np.column_stack(
                [
                    parts_of(values, [*self._dates[at]]) if at in self._dates else values
                    for at, values in enumerate(columns)
                ]
            )
        import pandas as pd

        found: Dict[str, Any] = {}
        for at, name in enumerate(X.columns):
            values = X[name].to_numpy()
            if at in self._dates:
                found.update(zip(self._dates[at].values(), parts_of(values, [*self._dates[at]]).T))
            else:
                found[name] = values
        return pd.DataFrame(found)


def _free(name: str, taken: set[str]) -> str:
    """A name that no column has; it is one from now on."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name
