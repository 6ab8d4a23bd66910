"""Which paths of REST ask what: of which model, by which way, and what each way can do.

Not here: how they are answered, which is in rest.py, and paths that only an SDK has.
"""

from __future__ import annotations

import functools
from typing import Dict, NamedTuple, Optional


class Way(NamedTuple):
    """What can be asked for by one kind of path; by each of them as a CloudEvent, too."""

    explains: bool = False
    #: Whether the body may hold V2's tensors, and not rows alone; binary ones, too.
    tensors: bool = False


#: What a way in cannot do is decided here.
WAYS: Dict[str, Way] = {"v1": Way(), "v2": Way(tensors=True), "explain": Way(explains=True)}


class Route(NamedTuple):
    """What a path asks: which model, by which way, and in which version."""

    name: str
    way: str
    version: str = ""


#: How paths begin and end, and the way that they are.
_PATHS = (
    ("/v2/models/", "/infer", "v2"),
    ("/v1/models/", ":predict", "v1"),
    ("/v1/models/", ":explain", "explain"),
)


@functools.lru_cache(maxsize=256)
def find(path: str) -> Optional[Route]:
    """What a path asks of a model, or None."""
    for start, end, way in _PATHS:
        if path.startswith(start) and path.endswith(end):
            name, version = path[len(start) : -len(end)], ""
            if way == "v2" and "/versions/" in name:
                name, _, version = name.partition("/versions/")
            return Route(name, way, version) if name and "/" not in name + version else None
    return None
