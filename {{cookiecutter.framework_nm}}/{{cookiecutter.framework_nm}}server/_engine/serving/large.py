"""Large requests, whose work lets other requests be answered in between: read in slices, answered some rows at a time.

One after the other, and so not more of it is in memory than its input and its answer. It ends between two slices where
the client has left or the deadline has passed. Not here: what is read and written, which is in protocol/.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, AsyncIterator, Awaitable, Callable, Iterator, List, TypeVar

import numpy as np

from ..protocol.answers import Output
from ..protocol.large import Large, Steps
from ..protocol.media import Media
from ..protocol.requests import Request
from ..protocol.slices import NotPlain
from ..protocol.tensors import InvalidRequest
from . import beside
from .model import Serving
from .stacking import stack
from .telemetry import Trace

T = TypeVar("T")

_ROW = re.compile(r"\brow (\d+)")
#: Reads one body at a time: a parser keeps the interpreter to itself while it reads, and several in turn would keep it
#: from the event loop for as long as Kubernetes waits for a probe.
_READER = ThreadPoolExecutor(1, thread_name_prefix="read")


async def decode(
    model: Serving, body: bytes, json_size: int | None, v1: bool, media: Media, text: int
) -> List[Request]:
    """Decode a large body as requests for some of the rows each; `text` is how large one may be that is read whole.

    Raises InvalidRequest.
    """
    try:
        return await in_turns(Large(model.decoder, text).decode(body, json_size, v1, media))
    except NotPlain as error:
        if len(body) > text:
            raise error.instead from None
    return [await read_whole(model.decoder.decode, body, json_size, v1, media)]


async def read_whole(read: Callable[..., T], *given: Any) -> T:
    """What `read` makes of a body, beside the event loop, and one body at a time. Raises what that raises."""
    return await beside.run(functools.partial(_without_collecting, read, *given), _READER)


def _without_collecting(read: Callable[..., T], *given: Any) -> T:
    """Read a body without collecting garbage: nothing of it is, and looking for it takes longer than the rest."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return read(*given)
    except InvalidRequest as error:
        error.__traceback__ = error.__context__ = None  # which would keep all rows for the next collection
        raise error
    finally:
        if collects:
            gc.enable()


async def in_turns(steps: Steps[T]) -> T:
    """Take one step after another, with a turn of the event loop after each."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
        await asyncio.sleep(0)


async def each(requests: List[Request], rows: int, answer: Callable[[Request], Awaitable[T]]) -> AsyncIterator[T]:
    """What is answered to so many rows after the other. The requests are taken from the list.

    Raises what `answer` raises.
    """
    first = 0
    for request in _batches(requests, rows):
        try:
            found = await answer(request)
        except InvalidRequest as error:  # in which rows are numbered from 0
            raise InvalidRequest(_told(str(error), first)) from None
        yield found
        first += len(request.X)


def _told(message: str, first: int) -> str:
    """A message about some rows as one about all of them, of which these begin with the one numbered `first`."""
    return _ROW.sub(lambda row: f"row {first + int(row[1])}", message)


def _batches(requests: List[Request], rows: int) -> Iterator[Request]:
    """Requests for some of the rows each, as requests for so many rows; the last one may have less."""
    waiting: List[Any] = []
    count = 0
    requests.reverse()
    while requests:
        request = requests.pop()
        waiting.append(request.X)
        count += len(request.X)
        if count >= rows or not requests:
            X = stack(waiting) if len(waiting) > 1 else waiting[0]
            end = count - count % rows if requests else count
            for first in range(0, end, rows):
                yield request._replace(X=_some(X, first, min(first + rows, end)))
            waiting, count = [_some(X, end, count)], count - end


def _some(X: Any, first: int, end: int) -> Any:
    return X[first:end] if isinstance(X, np.ndarray) else X.iloc[first:end].reset_index(drop=True)


async def answer(model: Serving, request: Request, trace: Trace | None = None) -> List[Output]:
    """Answer a decoded request as `model.answer` does, of a large one some rows at a time. Raises what that raises."""
    if len(request.X) <= model.max_batch_rows:
        return await model.answer(request, trace)
    ask = functools.partial(model.answer, trace=trace)
    found = [outputs async for outputs in each([request], model.max_batch_rows, ask)]
    return [Output(parts[0].name, np.concatenate([part.values for part in parts])) for parts in zip(*found)]
