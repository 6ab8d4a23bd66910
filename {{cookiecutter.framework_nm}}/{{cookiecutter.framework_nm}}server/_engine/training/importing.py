"""Importing a model made elsewhere: finding its file, refusing what would run code, and its columns and labels.

Not here: how a framework opens a file and what that tells (trainer/importing.py), what a pickle would run (pickles.py).
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import msgspec
import numpy as np

from ..artifact.stored import digest
from ..contract.errors import ModelError
from ..contract.signature import Column, Signature
from ..reporting.listing import some
from . import mlserver
from .describing import describe
from .pickles import would_run

if TYPE_CHECKING:
    import pandas as pd

    from .model import Model
    from .places import Places

#: Names that are listed, at most.
SHOWN = 20
#: Rows that miss values which a model has to answer, at most.
MISSING = 100


class Known(NamedTuple):
    """What is known of a model beside its file: its labels in the order of its scores, and the columns it takes."""

    labels: Tuple[Any, ...] = ()
    columns: Tuple[Column, ...] = ()


def find(given: Path, made_of: type[Places]) -> Path:
    """The file or folder to open: that which was named, or that in a folder, as servers keep models.

    Raises ModelError where there is none, or several.
    """
    if not given.exists():
        raise ModelError(f"no such file: {given}; name the file or folder of a model with --model")
    patterns = made_of.IMPORTS or tuple(f"*{Path(name).suffix}" for name in (made_of.WEIGHTS, *made_of.OTHER_WEIGHTS))
    files = [pattern for pattern in patterns if not pattern.startswith("*/")]
    if given.is_file() and any(fnmatch(given.name, pattern) for pattern in files):
        return given
    if given.is_dir():
        if any(any(given.glob(pattern[2:])) for pattern in patterns if pattern not in files):
            return given
        inside = [file for file in sorted(given.iterdir()) if any(fnmatch(file.name, pattern) for pattern in files)]
        inside = [file for file in inside if file.stem == "model"] or [f for f in inside if f.name != mlserver.FILE]
        if len(inside) == 1:
            return inside[0]
        if inside:
            several = ", ".join(file.name for file in inside[:SHOWN])
            raise ModelError(f"{given} holds several models, {several}: name one with --model")
    wanted = ", ".join(pattern if pattern in files else f"a folder with {pattern[2:]}" for pattern in patterns)
    raise ModelError(f"{given} is no model that {made_of.FRAMEWORK} imports: expected {wanted}")


def check(source: Path, trust: bool) -> None:
    """Raise ModelError where opening a model would run code, and nobody said that it may: with what that would be."""
    runs = [] if trust else would_run(source)
    if runs:
        raise ModelError(
            f"{source} was not opened, because that would run what it names: {some(runs, SHOWN)}. If you "
            "know who made it, and trust them as you trust code, add --trust"
        )


def import_model(model: Model, source: Path, X: Any, missing: Tuple[str, ...], known: Known) -> None:
    """Let a model, just built, become the one in a file or folder that `find` gave; X, [rows, columns], may be data
    that it knows. Raises ModelError where it cannot be opened, ValueError where it or X cannot be used."""
    model.known = known
    try:
        model.open_weights(source)
    except ModelError:
        raise
    except Exception as error:  # whatever the library raises, and what the file imports
        lacking = "; install it, or name it in requirements.txt" if isinstance(error, ImportError) else ""
        raise ModelError(f"{source} cannot be loaded: {type(error).__name__}: {_line(error)}{lacking}") from error
    model._move()
    signature = model.read_signature(X)
    if known.labels and (model.labels is None or sorted(known.labels) != model.labels.tolist()):
        own = "predicts numbers" if model.labels is None else f"answers {_listed(model.labels.tolist())}"
        raise ValueError(f"--labels names what a model numbers, but this one {own} by itself: leave --labels out")
    if X is not None:
        signature = msgspec.structs.replace(signature, missing=missing)
    model.signature = signature
    # Another file of the same name is another model.
    what = f"{source.name}, SHA-256 {digest(source)}" if source.is_file() else f"the folder {source.name}"
    model.notes.append(f"Not trained here, but imported: {what}.")
    model.rows = None if X is None else signature.conform(X)
    try:
        describe(model, model.rows)
    except ModelError:
        raise
    except Exception as error:  # whatever the library raises
        tried = "a row of the data" if X is not None else "zeros and empty text: give rows that it knows, with --data"
        raise ValueError(f"the model does not answer {tried}; {type(error).__name__}: {_line(error)}") from error
    _check_missing(model)


def _check_missing(model: Model) -> None:
    """Raise ValueError where a model answers NaN, from which no label follows, to rows of the data that miss values."""
    import pandas as pd

    if model.rows is None or model.signature.tensor:
        return
    missing = pd.DataFrame(model.rows).isna().to_numpy()
    some_missing = np.flatnonzero(missing.any(axis=1))[:MISSING]
    if not some_missing.size:
        return
    rows = model.rows[some_missing] if isinstance(model.rows, np.ndarray) else model.rows.iloc[some_missing]
    answers = np.asarray(model.answer(rows, model.has_proba))
    if answers.dtype.kind == "f" and np.isnan(answers).any():
        names = [model.signature.names[at] for at in np.flatnonzero(missing.any(axis=0))]
        raise ValueError(
            f"the model has no answer to rows that miss a value, as some do in {_listed(names)}: fill them in "
            "prep_func, or write into the data what it was trained with instead"
        )


def columns_of(
    known: Known,
    X: Optional[pd.DataFrame],
    width: Optional[int],
    names: Optional[Sequence[str]] = None,
    text: Sequence[Any] = (),
    nullable: bool = False,
) -> Tuple[Column, ...]:
    """The columns that a model takes: so many, with these names where its file has them, text where `text` has their
    name or position. X tells the kinds, and which may have missing values; `nullable` says that all always may.

    Raises ValueError where X has other columns, or where neither says how many there are.
    """
    found: Dict[str, Column] = {}
    if X is not None:
        learnt = Signature.learn(X[[name for name in names if name in X] if names else X.columns]).columns
        found = {column.name: column for column in learnt}
        if names is None and width in (None, len(found)):
            names = list(found)
        if names is None:
            more = "; leave out those that it does not take, with --drop" if len(found) > (width or 0) else ""
            raise ValueError(
                f"the model takes {width} columns, but the data has {len(found)}: {_listed(list(found))}{more}"
            )
        absent = [name for name in names if name not in found]
        if absent:
            raise ValueError(
                f"the model takes columns that the data lacks: {_listed(absent)}; it has {_listed(list(X))}"
            )
    width = width if names is None else len(names)
    if width is None:
        raise ValueError("the file does not tell how many columns the model takes: give --data, a table that has them")
    told = known.columns if len(known.columns) == width else ()
    names = names or [column.name for column in told] or [f"x{at}" for at in range(width)]
    kinds = {column.name: column.datatype for column in told}
    made = []
    for at, name in enumerate(names):
        is_text = name in text or at in text or kinds.get(name) == "BYTES"
        column = found.get(name) or Column(name, "BYTES" if is_text else kinds.get(name, "FP64"))
        if is_text and not column.text:  # codes that look like numbers
            column = Column(name, "BYTES", column.nullable)
        made.append(msgspec.structs.replace(column, nullable=True) if nullable else column)
    return tuple(made)


def check_labels(model: Model, y: Any, target: str) -> None:
    """Raise ValueError where no row of the data has a label that the model answers."""
    if model.labels is None or set(np.asarray(y).tolist()) & set(model.labels.tolist()):
        return
    raise ValueError(
        f"the model answers {_listed(model.labels.tolist())}, but {target!r} has {_listed(sorted(set(y.tolist())))}: "
        + (
            "name the model's labels, in the order of its scores, with --labels"
            if model.numbers_labels
            else "write the model's own labels into that column, or leave --target out, which evaluates nothing"
        )
    )


def told(model: Model) -> List[str]:
    """What an imported model takes and gives, in lines to print."""
    answers = "a number" if model.labels is None else f"a label, {_listed(model.labels.tolist())}"
    proba = ", and probabilities" if model.has_proba else ""
    columns = [
        f"  {column.name:<26}{column.kind}{', may be missing' if column.nullable else ''}"
        for column in model.signature.columns
    ]
    more = [f"  and {len(columns) - SHOWN} more columns"] if len(columns) > SHOWN else []
    return [*model.notes, f"It answers {answers}{proba}, and takes:", *columns[:SHOWN], *more]


def _line(error: Exception) -> str:
    return f"{str(error).strip().partition(chr(10))[0]:.400}"


def _listed(values: Sequence[Any]) -> str:
    return some(map(repr, values), SHOWN)
