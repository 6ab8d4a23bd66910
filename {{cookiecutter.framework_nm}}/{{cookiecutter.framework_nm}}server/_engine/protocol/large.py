"""Large requests, read in slices: generators that let others run after each, and return what they have read.

What is read, and what is wrong with it, is what requests.py would have read at once. Not here: how slices are cut,
which is in slices.py, nor who runs in between.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, Dict, Generator, List, Optional, Tuple, TypeVar

import msgspec
import numpy as np

from .inputs import Misfit, Tail, named
from .media import JSON, Media
from .outputs import RequestedOutput
from .pieces import Reading, loads, unreadable
from .refusals import SHOWN, Values, join
from .requests import Decoder, Request
from .slices import SLICE, NotPlain, Region, TooMuchText, cut, without_lists
from .tensors import DATATYPES, InvalidRequest, NamedArray, check

T = TypeVar("T")
#: What is done step by step.
Steps = Generator[None, None, T]

#: Numbers of binary tensors that are checked between two turns of the event loop.
_NUMBERS = 100_000


class _Tensor(msgspec.Struct, forbid_unknown_fields=True):
    """A V2 input, with the number of a list in place of its data."""

    name: str
    shape: List[int]
    datatype: str
    data: Optional[int] = None
    parameters: Optional[Dict[str, Any]] = None


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """A body, with the numbers of lists in their place."""

    instances: Optional[int] = None
    inputs: Optional[List[_Tensor]] = None
    id: Optional[str] = None
    model_name: Optional[str] = None
    parameters: Optional[Dict[str, Any]] = None
    outputs: Optional[List[RequestedOutput]] = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class Large:
    """Decodes large requests for the model of `decoder`, some `size` bytes of JSON at a time.

    `most_text` is how many bytes a body may have that cannot be read so.
    """

    def __init__(self, decoder: Decoder, most_text: int, size: int = SLICE) -> None:
        self._decoder = decoder
        self._row_decoder = msgspec.json.Decoder(decoder.rows.type)
        self._most_text = most_text
        self._size = size

    def decode(self, body: bytes, json_size: int | None, v1: bool, media: Media) -> Steps[List[Request]]:
        """Decode a body, as `Decoder.decode` does, into one request after another, each for some of the rows.

        Raises InvalidRequest, or NotPlain where the body has to be read whole.
        """
        if media.reads != JSON:
            raise self._text(body)
        if json_size is not None and not 0 <= json_size <= len(body):
            raise unreadable("Inference-Header-Content-Length is larger than the body")
        text = body if json_size is None else body[:json_size]
        plain = without_lists(text)
        if plain is None:
            raise self._text(body)
        outside, regions = plain
        try:
            envelope = _ENVELOPE.decode(outside)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise unreadable(str(error)) from None
        yield
        inputs, rows = envelope.inputs, envelope.instances
        places = [rows, *(item.data for item in inputs or ())]
        if sorted(place for place in places if place is not None) != [*range(len(regions))]:
            raise unreadable("a list stands where none is expected")
        if inputs is None and rows is not None and envelope.outputs is None:
            return (yield from self._v1(text, regions[rows], envelope, media.writes))
        if v1 or inputs is None or rows is not None:
            raise unreadable('expected {"instances": [row, ...]}' + ("" if v1 else ' or {"inputs": [tensor, ...]}'))
        return (yield from self._v2(text, regions, envelope, memoryview(body)[len(text) :]))

    def _text(self, body: bytes) -> NotPlain:
        return NotPlain(
            TooMuchText(
                f"a body that is not of plain numbers alone may have {self._most_text} bytes, the limit that "
                f"--max_text_size sets, and this one has {len(body)}: send fewer rows at a time, or numbers in V2's "
                "binary form"
            )
        )

    def _v1(self, text: bytes, region: Region, envelope: _Envelope, writes: str) -> Steps[List[Request]]:
        values = Values(self._decoder.signature)
        found: List[Any] = []
        first = 0
        pieces = cut(text, region, len(self._decoder.signature.tensor) or 1, self._size)
        for piece in pieces:
            try:
                X: Any = self._decoder.rows.of_numbers(piece)
                if X is None:
                    X = self._decoder.rows.unchecked(self._row_decoder.decode(piece))
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                if isinstance(error, InvalidRequest):  # of rows that are tensors, told after what is wrong with these
                    self._decoder.of_rows(envelope.parameters, writes)
                yield from self._refuse(itertools.chain([piece], pieces), first)
            found.append(self._decoder.rows.looked_at(X, values, first))
            first += len(X)
            yield
        request = self._decoder.of_rows(envelope.parameters, writes)
        if not found:
            self._decoder.rows.to_input([])  # which says what is expected
        return _requests(request, found, values)

    def _refuse(self, pieces: Iterator[bytes], first: int) -> Steps[None]:
        """Raise InvalidRequest for rows of which the first ones, with the number `first`, cannot be read."""
        problems: List[str] = []
        for piece in pieces:
            rows = loads(piece)
            if len(problems) <= SHOWN:
                problems += itertools.islice(self._decoder.refusals.rows(rows, first), SHOWN + 1)
            first += len(rows)
            yield
        raise InvalidRequest(join(problems)) if problems else unreadable("the rows cannot be read")

    def _v2(self, text: bytes, regions: List[Region], envelope: _Envelope, tail: memoryview) -> Steps[List[Request]]:
        inputs = envelope.inputs or []
        self._decoder.check_inputs(inputs)
        tensors, binary = [], Tail(tail)
        for item in inputs:
            check(item.name, item.datatype, item.shape)
            if item.datatype == "BYTES":
                raise self._text(text)
            values = binary.read(item)
            if (values is None) == (item.data is None):
                raise unreadable(f"input {item.name!r} has no data, or two")
            if values is None:
                values = yield from self._numbers(text, regions[item.data or 0], item)
            tensors.append(named(item, values))
        binary.end()
        asked = [(output.name, output.parameters) for output in envelope.outputs or ()]
        return (yield from self.request(tensors, envelope.parameters, envelope.id, asked))

    def _numbers(self, text: bytes, region: Region, item: Any) -> Steps[np.ndarray]:
        """The elements of a tensor, flat. Raises Misfit: of its elements that do not fit, the one to be told."""
        order = self._decoder.order
        read = Reading(item, order, text[region.start + 1 : region.start + 100].lstrip()[:1] == b"[")
        values: np.ndarray = np.empty(
            min(math.prod(item.shape), region.end - region.start), DATATYPES[item.datatype][0]
        )
        wrong: Optional[Misfit] = None
        first = 0
        for piece in cut(text, region, max(len(item.shape) - 1, 1) if read.nested else 0, self._size):
            try:
                part = read.part(piece, first)
                if part.dtype == object != values.dtype:  # truth values, of which some are missing
                    values = values.astype(object)
                fitting = part[: max(len(values) - first, 0)]
                values[first : first + len(fitting)] = fitting
                first += len(part)
            except Misfit as error:
                wrong = error if wrong is None or error.order < wrong.order else wrong
                first += piece.count(b",") + 1
            yield
        if wrong:
            raise wrong
        if not first:
            raise unreadable(f'input {item.name!r} has no "data"')
        return values[:first] if first <= len(values) else np.empty(first, np.bool_)

    def request(
        self,
        tensors: List[NamedArray],
        given: Optional[Dict[str, Any]],
        id: Optional[str],
        outputs: Iterable[Tuple[str, Optional[Dict[str, Any]]]],
    ) -> Steps[List[Request]]:
        """Put V2 requests together, as `Decoder.request` does one, each for some of the rows."""
        request, arrays = self._decoder.arranged(tensors, given, id, outputs)
        values = Values(self._decoder.signature)
        width = sum(math.prod(array.shape[1:]) for array in arrays)
        rows = max(_NUMBERS // width, 1)
        found = []
        for first in range(0, len(arrays[0]), rows):
            X = self._decoder.converted([array[first : first + rows] for array in arrays], first)
            found.append(self._decoder.rows.looked_at(X, values, first))
            yield
        return _requests(request, found, values)


def _requests(request: Request, found: List[Any], values: Values) -> List[Request]:
    problems = values.problems()
    if problems:
        raise InvalidRequest(problems)
    return [request._replace(X=X) for X in found]
