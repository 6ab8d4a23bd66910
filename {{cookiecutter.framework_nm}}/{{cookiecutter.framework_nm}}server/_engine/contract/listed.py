"""Several names or texts in one option, separated by commas; one with a comma is in double quotes, as in a CSV file.

Not here: which options there are.
"""

from __future__ import annotations

import csv
import re
import shlex
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

#: What cannot stand in a list as it is.
_ODD = re.compile(r'[,"\r\n]')


def split(text: str) -> Tuple[str, ...]:
    """What a text lists. Raises ValueError where a double quote is not closed, or not at the end of what it begins."""
    try:
        return tuple(name for row in csv.reader([text], strict=True) for name in row if name)
    except csv.Error:
        raise ValueError(
            f"{text} cannot be taken apart: expected names separated by commas, and one that has a comma in double "
            'quotes, such as id,"last, first"'
        ) from None


def join(names: Iterable[str]) -> str:
    """The text that lists these."""
    return ",".join('"' + name.replace('"', '""') + '"' if _ODD.search(name) else name for name in names)


def option(name: str, said: str) -> str:
    """An option with its value, to be typed in a shell: what begins with a dash would be taken for another option."""
    return f"{name}{'=' if said.startswith('-') else ' '}{shlex.quote(said)}"


def joined(arguments: Sequence[str], options: Sequence[str]) -> List[str]:
    """The arguments of a command line, with all that each of these options lists in one, however often it was given."""
    others: List[str] = []
    lists: Dict[str, List[str]] = {}
    left = iter(arguments)
    for argument in left:
        name, sign, value = argument.partition("=")
        given: Optional[str] = value
        if name in options and not sign:
            given = next(left, None)
        if name in options and given is not None:
            lists.setdefault(name, []).append(given)
        else:
            others.append(argument)
    return [*others, *(f"{name}={','.join(values)}" for name, values in lists.items())]


def lacking(names: Sequence[str], there: Sequence[str]) -> str:
    """Which of the names are not among those that are there, and which these are; "" where all are."""
    missing = [name for name in names if name not in there]
    if not missing:
        return ""
    said = f"no column {', '.join(map(repr, missing))}; its columns are {', '.join(map(repr, there))}"
    with_comma = [name for name in there if "," in name]
    return said + (f"; in a list of names, write {join(with_comma[:1])}, with the double quotes" if with_comma else "")
