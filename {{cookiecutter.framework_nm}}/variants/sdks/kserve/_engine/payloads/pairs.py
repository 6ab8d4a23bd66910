"""Requests and their answers, brought together: they arrive as events of their own, in any order.

Not here: how either is read or written.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import List, NamedTuple, Optional, Tuple

from .events import Event

#: Bytes that an event takes besides its body, nearly.
_BESIDES = 1000


class Pair(NamedTuple):
    """A request, and its answer if one came."""

    request: Event
    answer: Optional[Event]


class Pairs:
    """Holds events until their other half comes, for `wait` seconds, and `most` bytes at most. A request
    whose answer does not come in time goes without: the server refused it, or its event was lost."""

    def __init__(self, wait: float, most: int) -> None:
        self._wait = wait
        self._most = most
        self._held = 0
        self._waiting: OrderedDict[str, Tuple[float, Event]] = OrderedDict()

    def add(self, event: Event, now: float) -> List[Pair]:
        """Take an event in, and give out what is complete or may wait no longer; `now` is in seconds."""
        first = self._take(event.id) if event.id in self._waiting else None
        if first and first.answers != event.answers:
            return [Pair(first, event) if event.answers else Pair(event, first)]
        self._waiting[event.id] = (now, event)
        self._held += _size(event)
        return [*_alone(first), *self.expired(now)]

    def expired(self, now: float) -> List[Pair]:
        """Give out requests that have waited for too long, or that are too many bytes."""
        found: List[Pair] = []
        while self._waiting:
            identifier, (since, _) = next(iter(self._waiting.items()))
            if self._held <= self._most and now - since < self._wait:
                break
            found += _alone(self._take(identifier))
        return found

    def all(self) -> List[Pair]:
        """Give out all requests that wait."""
        return self.expired(float("inf"))

    def _take(self, identifier: str) -> Event:
        _, event = self._waiting.pop(identifier)
        self._held -= _size(event)
        return event


def _size(event: Event) -> int:
    return len(event.body) + _BESIDES


def _alone(event: Optional[Event]) -> List[Pair]:
    """A request without an answer; an answer without a request says nothing."""
    return [Pair(event, None)] if event and not event.answers else []
