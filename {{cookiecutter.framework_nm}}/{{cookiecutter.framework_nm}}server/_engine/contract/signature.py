"""What a model takes: the columns seen in training, and how data is brought into their form.

Both sides meet here: training learns a signature, serving decodes requests by it. Nothing in this module
knows a framework or a wire format.

Names and datatypes are those of the Open Inference Protocol, version 2:
https://github.com/kserve/open-inference-protocol
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple, Union

import msgspec
import numpy as np

from .columns import Column, Tensor
from .dates import Dates
from .forms import Form, Misread, Unreadable, read
from .values import are_dates, is_finite, is_in, like, numbers_of, text_of

if TYPE_CHECKING:
    import pandas as pd

    Input = Union[np.ndarray, pd.DataFrame]


__all__ = ["LARGEST", "Column", "Signature", "Tensor"]

#: Larger numbers are taken for mistakes: frameworks compute in single precision, where they are infinite.
LARGEST = float(np.finfo(np.float32).max)
#: What names of columns have not, so that JSON writes them as they are.
_ODD = re.compile(r'["\\\x00-\x1f]')


class Signature(msgspec.Struct, frozen=True):
    """The columns of a model's input, in the order of training; or a single one whose values are tensors."""

    columns: Tuple[Column, ...]
    #: How text spells a missing value, beside "". None: "" is text too, as in models that were made elsewhere.
    missing: Optional[Tuple[str, ...]] = None
    #: Columns of the training data that nothing is learnt from, and why. Clients may send them all the same.
    unused: Dict[str, str] = {}

    @property
    def missing_numbers(self) -> list[float]:
        """The spellings of a missing value that are numbers, such as -999."""
        return [float(spelling) for spelling in self.missing or () if is_finite(spelling)]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def numeric(self) -> bool:
        """Whether rows fit in one array of numbers; otherwise they travel in a DataFrame."""
        return not any(column.text for column in self.columns)

    @property
    def tensor(self) -> tuple[int, ...]:
        """The shape of a row that is a tensor; () where rows are those of a table."""
        return self.columns[0].shape if len(self.columns) == 1 else ()

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The V2 inputs: one tensor where all columns are numbers, else a tensor per column."""
        if self.tensor:
            return (Tensor(self.columns[0].name, "FP64", (-1, *self.tensor)),)
        if all(column.datatype == "FP64" for column in self.columns):
            return (Tensor("input-0", "FP64", (-1, len(self.columns))),)
        return tuple(Tensor(column.name, column.datatype, (-1,)) for column in self.columns)

    @property
    def expected(self) -> str:
        """The V2 inputs in words, and how their values are spelt."""
        spelt = {column.name: f" ({column.form.expected})" for column in self.columns if column.form is not None}
        inputs = (f"{item.name!r} {item.datatype} {list(item.shape)}{spelt.get(item.name, '')}" for item in self.inputs)
        return ", ".join(inputs)

    @classmethod
    def learn(
        cls,
        X: Input,
        missing: tuple[str, ...] = (),
        forms: Mapping[str, Form] | None = None,
        unused: Mapping[str, str] | None = None,
    ) -> Signature:
        """Learn the signature from training data: an array or a DataFrame of shape [rows, columns], or an array of
        more dimensions, in which each row is a tensor. Text that is "" or in `missing` is a missing value. `forms` says
        how columns were spelt before they became what they are in X, and `unused` which are not learnt from, and why.

        Raises ValueError where the data has no rows, no columns, numbers beyond single precision, or columns
        whose names JSON cannot carry plainly.
        """
        import pandas as pd

        if isinstance(X, np.ndarray) and X.ndim > 2:
            if not X.size or not (np.abs(X) <= LARGEST).all():
                raise ValueError(
                    f"the tensors, of shape {list(X.shape)}, have infinite numbers or missing values, or are empty"
                )
            return cls((Column("input-0", "FP64", shape=X.shape[1:]),))
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X).add_prefix("x")
        if frame.empty:
            raise ValueError(f"the training data is empty: {frame.shape[0]} rows, {frame.shape[1]} columns")
        spelt, unused = cls((), missing), dict(unused or {})
        odd = [str(name) for name in frame.columns if name not in unused and _ODD.search(str(name))]
        if odd:
            which = "column {}: rename it" if len(odd) == 1 else "columns {}: rename them"
            raise ValueError(f"{which.format(', '.join(map(repr, odd)))} without quotes, backslashes and line breaks")
        columns = [
            spelt.learn_column(str(name), frame[name], (forms or {}).get(name))
            for name in frame.columns
            if name not in unused
        ]
        return cls(tuple(columns), missing, unused)

    def learn_column(self, name: str, values: pd.Series, form: Form | None = None) -> Column:
        """Learn a column of training data, which was spelt in a form. Raises ValueError as `learn` does."""
        import pandas as pd

        known = self.known(values)
        datatype: Any
        if isinstance(form, Dates) or are_dates(known):
            given = form if isinstance(form, Dates) else Dates(utc=getattr(known.dtype, "tz", None) is not None)
            wrong: List[Misread] = []
            form, datatype = given.learn(read(given, name, known, frozenset(), wrong)), "BYTES"
            if wrong:
                raise Unreadable(wrong)
        elif pd.api.types.is_bool_dtype(known) or all(isinstance(value, bool) for value in known):
            datatype = "BOOL"
        elif pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_complex_dtype(known):
            datatype = "FP64"
            if (np.abs(known.to_numpy(np.float64)) > LARGEST).any():
                raise ValueError(f"column '{name}' has infinite numbers, or numbers larger than {LARGEST:.1e}")
        else:
            datatype = "BYTES"
        return Column(name, datatype, nullable=len(known) < len(values), form=form)

    def known(self, values: pd.Series) -> pd.Series:
        """A column without its missing values."""
        import pandas as pd

        values = values.dropna()
        if pd.api.types.is_datetime64_any_dtype(values):
            return values
        if pd.api.types.is_numeric_dtype(values):
            return values if pd.api.types.is_bool_dtype(values) else values[~values.isin(self.missing_numbers)]
        spelt = np.array([is_in(value, self.spellings) for value in values], dtype=bool)
        return values[~spelt].infer_objects() if spelt.any() else values

    def conform(self, X: Any) -> Input:
        """Bring data into the form that the model is trained on and asked with.

        Takes a DataFrame with the signature's columns in any order, or anything that numpy reads as
        [rows, columns] in the signature's order. Returns a float64 array where the signature is numeric
        (BOOL as 0 and 1, dates as seconds since 1970, missing values as NaN), else a DataFrame of float64 and str
        columns (missing values as NaN and None). Rows that are tensors come as an array of [rows, *shape].

        Raises ValueError where columns are missing or do not fit, and of these Unreadable where a value is not of its
        column's form.
        """
        if self.tensor:
            X = np.asarray(X, dtype=np.float64)
            if X.shape[1:] != self.tensor:
                raise ValueError(f"expected an array of shape {['rows', *self.tensor]}, got {list(X.shape)}")
            return X
        if isinstance(X, np.ndarray):
            if X.dtype == np.float64 and self.numeric and X.ndim == 2 and X.shape[1] == len(self.columns):
                return self.without_missing(X)
        elif hasattr(X, "columns"):
            X = X.set_axis(X.columns.map(str), axis=1)
            missing = [name for name in self.names if name not in X.columns]
            if missing:
                raise ValueError(f"columns missing: {', '.join(map(repr, missing))}")
            return self.assemble([X[name] for name in self.names])
        X = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=object)
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise ValueError(f"expected an array of shape [rows, {len(self.columns)}], got {list(X.shape)}")
        return self.assemble(list(X.T))

    def blank(self) -> Input:
        """A row of zeros, of the first day of 1970, and of empty text, in the signature's form."""
        if self.tensor:
            return np.zeros((1, *self.tensor))
        return self.assemble([[""] if column.text else [0.0] for column in self.columns])

    def around(self, X: Input, rows: int) -> Input:
        """Rows around the first one of X: its text, dates and truth values as they are, its numbers up to a tenth
        nearer to zero, and whole where they are whole: a share, a month or a code is one still.
        """
        shares = np.random.default_rng(0).uniform(0.9, 1.0, rows)
        if self.tensor:
            return np.repeat(np.asarray(X)[:1], rows, axis=0) * shares.reshape(rows, *[1] * (np.ndim(X) - 1))
        first = X[0] if isinstance(X, np.ndarray) else X.iloc[0]
        return self.assemble(
            [
                like(shares * value, value) if column.datatype == "FP64" else [value] * rows
                for column, value in zip(self.columns, first)
            ]
        )

    def assemble(self, values: list[Any]) -> Input:
        """Put one sequence of values per column together, as `conform` returns them. Raises as it does."""
        spellings, numbers = self.spellings, self.missing_numbers
        wrong: List[Misread] = []
        columns = []
        for column, items in zip(self.columns, values):
            if column.text:
                columns.append(text_of(items, spellings))
                continue
            if column.form is not None:
                items = read(column.form, column.name, items, spellings, wrong)
            columns.append(numbers_of(items, spellings, numbers if column.datatype == "FP64" else []))
        if wrong:
            raise Unreadable(wrong)
        if self.numeric:
            return np.column_stack(columns)
        import pandas as pd

        frame = pd.DataFrame(dict(zip(self.names, columns)))
        # Of requests that it puts together, pandas compares names one by one, unless all have the same object.
        frame.columns = _index(tuple(self.names))
        return frame

    def without_missing(self, X: np.ndarray) -> np.ndarray:
        """An array of numbers, [rows, columns], with NaN for those that spell a missing value."""
        if not self.missing_numbers or self.tensor:
            return X
        spelling = np.array([column.datatype == "FP64" for column in self.columns])
        return np.where(spelling & np.isin(X, self.missing_numbers), np.nan, X)

    @property
    def spellings(self) -> frozenset[str]:
        """The texts that spell a missing value."""
        return frozenset() if self.missing is None else frozenset(("", *self.missing))


@functools.lru_cache(maxsize=64)
def _index(names: Tuple[str, ...]) -> pd.Index:
    import pandas as pd

    return pd.Index(names)
