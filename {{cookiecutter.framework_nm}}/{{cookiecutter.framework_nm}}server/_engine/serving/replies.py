"""What REST answers: status, bytes and headers, compressed where its client takes that. Not here: what is asked."""

from __future__ import annotations

import functools
from typing import NamedTuple, Tuple

from ..protocol.answers import BINARY
from ..protocol.answers import Answer as Encoded
from ..protocol.codings import coding_for, compressed
from ..protocol.sizes import LARGE
from . import beside

Headers = Tuple[Tuple[bytes, bytes], ...]

#: The header that says where binary tensors begin, of requests and of answers.
BEGINS = b"inference-header-content-length"
#: Bytes of an answer from which on it is compressed. Up to 14 kB leave with TCP's first packets: made smaller, they
#: would arrive no sooner, and take as much processor time as a light model does.
WORTHWHILE = 16_384


class Answer(NamedTuple):
    """An answer: status, body, content type, and what headers it has besides its length."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Headers = ()


def predictions(encoded: Encoded) -> Answer:
    """An answer of the model's as HTTP has it."""
    begins = () if encoded.json_size is None else ((BEGINS, b"%d" % encoded.json_size),)
    return Answer(200, encoded.body, encoded.media_type.encode(), begins)


async def packed(answer: Answer, accepted: bytes) -> Answer:
    """An answer in a coding that is `accepted`. Tensors in binary stay as they are: numbers hardly get smaller."""
    size = len(answer.body)
    if not accepted or size < WORTHWHILE or answer.content_type == BINARY.encode():
        return answer
    coding = coding_for(accepted)
    if not coding:
        return answer
    work = functools.partial(compressed, coding, answer.body)
    body = work() if size < LARGE else await beside.run(work)
    headers = ((b"content-encoding", coding.encode()), (b"vary", b"accept-encoding"))
    return answer._replace(body=body, headers=answer.headers + headers)
