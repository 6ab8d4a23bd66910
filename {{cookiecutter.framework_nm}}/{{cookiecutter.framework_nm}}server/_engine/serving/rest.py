"""What REST asks, and what it is answered: bytes and headers in, status, bytes and headers out, for any HTTP server.

Which steps there are is here: decompress, decode, predict or explain, encode, compress. Not here: how an SDK's server
hands over bytes, nor what all ways in share, which is in calls.py.
"""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Awaitable, Callable, List, Mapping, Optional, Tuple, cast

import orjson

from ..protocol import events
from ..protocol.answers import Answer as Encoded
from ..protocol.answers import Growing, Output, encode
from ..protocol.codings import coding_of, decoded
from ..protocol.media import PLAIN, Media, media_of
from ..protocol.requests import Request
from ..protocol.sizes import LARGE, json_size, takes_long
from ..protocol.slices import TooMuchText
from ..protocol.tensors import InvalidRequest
from . import beside, large
from .calls import CARRIED, Call, Desk
from .failures import Failed
from .model import Serving
from .replies import BEGINS, Answer, packed, predictions
from .routes import WAYS, Route

#: Bytes of a body from which on it is read in slices, and answered some rows at a time.
SLICED = 1_000_000

#: The headers that say in which forms a request and its answer are.
_FORMS = (b"content-encoding", b"content-type", b"accept")
_CARRIED = tuple(name.encode() for name in CARRIED)


class Prediction(Call[Serving]):
    """A request over REST for predictions or explanations; `headers` have names in lower case.

    `vendor` names the SDK in the events that answer events.
    """

    def __init__(self, desk: Desk[Serving], route: Route, headers: Mapping[bytes, bytes], vendor: str) -> None:
        self.headers = headers
        self.event = events.form(headers)
        self.can = WAYS[route.way]
        self._vendor = vendor
        request_id = headers.get(b"x-request-id")
        super().__init__(
            desk,
            "cloudevent" if self.event else route.way,
            route.name,
            route.version,
            _size(headers.get(b"content-length", b"")),
            request_id.decode("latin-1") if request_id else None,
        )
        if self.refused is None:
            try:
                self.media, self.coding = _forms(*map(headers.get, _FORMS), self.event == events.STRUCTURED)
            except InvalidRequest as error:
                self.refused = error

    async def answer(self, read: Callable[[], Awaitable[bytes]]) -> Answer:
        """Answer the request, whose body `read` waits for: it ends early once the body is refused."""
        return await self.answered(functools.partial(self.work, read))

    async def answered(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `work` answers, or a refusal."""
        try:
            return self.carrying(await self.run(work))
        except Failed as error:
            return self.refusal(error)

    def refusal(self, error: Failed) -> Answer:
        """The answer to a request that fails so."""
        headers = ((b"retry-after", b"1"),) if error.outcome.retry else ()
        return self.carrying(Answer(error.outcome.status, orjson.dumps({"error": str(error)}), headers=headers))

    def carrying(self, answer: Answer) -> Answer:
        """An answer with what it carries of the request's headers."""
        for name in _CARRIED:
            if name in self.headers:
                answer = answer._replace(headers=(*answer.headers, (name, self.headers[name])))
        return answer

    async def work(self, read: Callable[[], Awaitable[bytes]]) -> Answer:
        """What is answered, for `answered`."""
        body = await read()
        model = self.model  # raises where the body turned out to be too large
        self.complete = True
        if self.coding:
            body = await self._decompressed(body)
        if self.event:
            body = await self._data(self.event, body)
        answer = await (self._explanation if self.can.explains else self._prediction)(model, body)
        if self.event:
            parts = events.answer(self.event, self._vendor, self.name, answer.body, answer.content_type)
            answer = Answer(200, *parts[:2], parts[2] + answer.headers)
        return await self.compressed(answer)

    async def compressed(self, answer: Answer) -> Answer:
        """An answer as its client wants it."""
        return await packed(answer, self.headers.get(b"accept-encoding", b""))

    async def _decompressed(self, body: bytes) -> bytes:
        """The body as it was before it was compressed; what it takes is counted before there is more of it."""
        found = bytearray()  # grows in place
        for part in decoded(self.coding, body):
            self.unpacked(len(found) + len(part))
            found += part
            await asyncio.sleep(0)  # others' turn
        return cast(bytes, found)  # who reads it does not mind

    async def _data(self, form: str, body: bytes) -> bytes:
        """The request in an event. Raises TooMuchText where that is too large to be read whole."""
        text = self.desk.gate.limits.text
        if form == events.STRUCTURED and len(body) > text:
            raise TooMuchText(
                f"a structured event may have {text} bytes, the limit that --max_text_size sets, and this one has "
                f"{len(body)}: send its attributes in headers, and the request as the body"
            )
        if form == events.STRUCTURED and len(body) >= LARGE:
            return await large.read_whole(events.data, form, body)
        return events.data(form, body)

    async def _prediction(self, model: Serving, body: bytes) -> Answer:
        start = time.perf_counter()
        requests = await self._decode(model, body)
        decoded = self.step("decode", start)
        model.telemetry.preprocess(decoded - start)
        if len(body) >= SLICED:
            return predictions(await self._in_batches(model, requests))
        return await self.predicted(requests[0], decoded)

    async def predicted(self, request: Request, decoded: float) -> Answer:
        """The answer to a whole request, which was decoded at a time."""
        return self.concluded(request, decoded, await self.model.answer(request, self.trace))

    def concluded(self, request: Request, decoded: float, outputs: List[Output]) -> Answer:
        """The answer to a request whose outputs have just come."""
        measure = self.model.telemetry
        predicted = time.perf_counter()
        measure.predict(predicted - decoded)
        answer = predictions(encode(self.name, request, outputs))
        measure.postprocess(self.step("encode", predicted) - predicted)
        return answer

    async def _explanation(self, model: Serving, body: bytes) -> Answer:
        """For each row the prediction, a base score, and what each column adds to it."""
        start = time.perf_counter()
        requests = await self._decode(model, body)
        decoded = self.step("decode", start)
        parts = []
        explain = functools.partial(model.explanations, trace=self.trace)
        async for found in large.each(requests, model.max_batch_rows, explain):
            parts.append(orjson.dumps(found)[1:-1])
        explained = time.perf_counter()
        model.telemetry.explain(explained - decoded)
        encoded = b'{"explanations":[%b]}' % b",".join(parts)
        self.step("encode", explained)
        return Answer(200, encoded)

    async def _in_batches(self, model: Serving, requests: List[Request]) -> Encoded:
        """Answer the rows of a large request, some at a time: what is answered is written before the next ones."""
        writing = 0.0
        start = last = time.perf_counter()
        growing = Growing(self.name, requests[0])
        ask = functools.partial(model.answer, trace=self.trace)
        async for outputs in large.each(requests, model.max_batch_rows, ask):
            answered = time.perf_counter()
            growing.add(outputs)
            last = time.perf_counter()
            writing += last - answered
        model.telemetry.predict(last - start - writing)
        encoded = growing.answer()
        model.telemetry.postprocess(self.step("encode", last) - last + writing)
        return encoded

    def json_size(self) -> Optional[int]:
        """Where binary tensors begin; None where there can be none. Raises InvalidRequest."""
        size = self.headers.get(BEGINS) if self.can.tensors else None
        return json_size(None if size is None else size.decode("latin-1"))

    def decoded_at_once(self, model: Serving, body: bytes) -> Optional[Request]:
        """The request, of a body that is decoded in a millisecond or two, else None. Raises InvalidRequest."""
        begins, v1 = self.json_size(), not self.can.tensors
        if takes_long(body, begins):
            # A parser in a thread would hold up the loop for most of its time, too.
            return model.decoder.decode_plain(body, begins, v1, self.media)
        return model.decoder.decode(body, begins, v1, self.media, not self.can.explains)

    async def _decode(self, model: Serving, body: bytes) -> List[Request]:
        """The request; a large one as several, for some of the rows each."""
        begins, v1 = self.json_size(), not self.can.tensors
        if len(body) >= SLICED:
            requests = await large.decode(model, body, begins, v1, self.media, self.desk.gate.limits.text)
        else:
            found = self.decoded_at_once(model, body)
            if found is None:
                found = await beside.run(functools.partial(model.decoder.decode, body, begins, v1, self.media))
            requests = [found]
        self.hold(sum(len(request.X) for request in requests))
        return requests


def _size(content_length: bytes) -> int:
    """What a header says, as far as it is known: an SDK's server sees to one that is no number, some of them later."""
    return int(content_length) if content_length.isdigit() and len(content_length) < 18 else 0


@functools.lru_cache(maxsize=256)
def _forms(
    content_encoding: Optional[bytes], content_type: Optional[bytes], accept: Optional[bytes], structured: bool
) -> Tuple[Media, str]:
    """The forms of a request and of its answer, and how the request is compressed; `structured` events are JSON.

    Raises InvalidRequest.
    """
    coding = coding_of(content_encoding or b"")
    if structured:
        return PLAIN, coding
    return media_of((content_type or b"").decode("latin-1"), (accept or b"").decode("latin-1")), coding
