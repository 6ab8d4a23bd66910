"""The columns' names of the model that is logged, which the served model tells: rows of V1 and tensors need not.

Not here: what is done with them.
"""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from typing import Any, Dict, Optional

from .rows import Names

logger = logging.getLogger(__name__)

_UNKNOWN = Names([])
#: Seconds for an answer, and until the model is asked again where there was none.
_TIMEOUT, _PAUSE = 5, 30


class Columns:
    """Asks V2's metadata at a URL, once for each version of the model; with "" for a URL, nothing is known."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: Dict[Optional[str], Names] = {}
        self._asked = -float("inf")

    def of(self, version: Optional[str]) -> Names:
        """The names of a version's columns; none where the model cannot be asked."""
        if version not in self._known and self._url and time.monotonic() - self._asked > _PAUSE:
            self._asked = time.monotonic()
            found = self._ask()
            if found:
                self._known[version] = found
                self._asked = -float("inf")
        return self._known.get(version, _UNKNOWN)

    def _ask(self) -> Optional[Names]:
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT) as answer:
                return names_in(json.loads(answer.read()))
        except (OSError, ValueError, LookupError, TypeError) as error:
            logger.warning("The columns' names are not known, rows without them are written as lists: %s", error)
            return None


def names_in(metadata: Any) -> Names:
    """The columns' names in V2's metadata of a model. Raises LookupError or TypeError where it is none."""
    inputs = metadata["inputs"]
    columns = (inputs[0].get("parameters") or {}).get("columns")
    return Names(columns or [item["name"] for item in inputs], not columns and len(inputs[0]["shape"]) > 1)
