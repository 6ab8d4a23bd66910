"""What a request can fail with, and the status that each way in has for it: one table for REST and gRPC.

Not here: what is wrong with a request's content, which is in protocol/.
"""

from __future__ import annotations

from typing import List, NamedTuple, Tuple, Type

from ..contract.errors import NoExplanations, Unanswerable
from ..protocol.media import Unsupported
from ..protocol.slices import TooMuchText
from ..protocol.tensors import InvalidRequest, carried
from .batching import Overloaded, Unavailable

#: What a client is told of an error in the model's own code.
FAILED = "the model failed on this request; the server's log says why"


class NotThere(Exception):
    """There is no such model, or not in the version that was asked for."""


class NotReady(Exception):
    """The model is not loaded, or no longer answers."""


class TooLarge(Exception):
    """The body is larger than --max_buffer_size."""


class Busy(Exception):
    """Requests in flight have used up what the server may hold: the client should try again later, or elsewhere."""


class Late(Exception):
    """The deadline has passed, and there is no answer."""


class Stalled(Exception):
    """The deadline has passed, and the body is not complete."""


def late(seconds: float) -> str:
    """What a client is told whose body is not complete after so many seconds."""
    return f"the body did not arrive within {seconds:g} seconds, the time that --deadline_seconds sets"


class Outcome(NamedTuple):
    """How a request ended: the status of HTTP, the code of gRPC, and whether to try again makes sense."""

    status: int
    code: str
    retry: bool = False


OK = Outcome(200, "OK")
LEFT = Outcome(499, "CANCELLED")
FAILURE = Outcome(500, "INTERNAL")

#: The first that fits counts; whatever is not here is a failure of the server.
_OUTCOMES: List[Tuple[Type[BaseException], Outcome]] = [
    (TooMuchText, Outcome(413, "RESOURCE_EXHAUSTED")),
    (Unsupported, Outcome(415, "INVALID_ARGUMENT")),
    (InvalidRequest, Outcome(400, "INVALID_ARGUMENT")),
    (Unanswerable, Outcome(400, "INVALID_ARGUMENT")),
    (NotThere, Outcome(404, "NOT_FOUND")),
    (Stalled, Outcome(408, "DEADLINE_EXCEEDED")),
    (TooLarge, Outcome(413, "RESOURCE_EXHAUSTED")),
    (NoExplanations, Outcome(501, "UNIMPLEMENTED")),
    (Overloaded, Outcome(503, "UNAVAILABLE", retry=True)),
    (Busy, Outcome(503, "UNAVAILABLE", retry=True)),
    (NotReady, Outcome(503, "UNAVAILABLE")),
    (Unavailable, Outcome(503, "UNAVAILABLE")),
    (Late, Outcome(504, "DEADLINE_EXCEEDED", retry=True)),
]


def outcome_of(error: BaseException) -> Outcome:
    """How a request ends that raised this."""
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), FAILURE)


class Failed(Exception):
    """A request that is not answered with a prediction: its outcome, and a message for the client."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(carried(message))
        self.outcome = outcome
