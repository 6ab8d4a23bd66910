"""Promises of the gate and of what is behind it, the same for each way in: budgets, time, errors, headers."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import weakref
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, List, Tuple
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from _engine.contract.errors import NoExplanations
from _engine.contract.signature import Column, Signature, Tensor
from _engine.serving.calls import Call, Desk
from _engine.serving.failures import Failed
from _engine.serving.gate import Limits
from _engine.serving.prompt import Prompt
from _engine.serving.replies import Answer
from _engine.serving.rest import Prediction
from _engine.serving.routes import Route, find
from served import Numbers, serve

EVENT = {b"ce-id": b"1", b"ce-source": b"test", b"ce-type": b"test", b"ce-specversion": b"1.0"}
STRUCTURED = {b"content-type": b"application/cloudevents+json"}
#: Ways in over REST: what a path asks, and the headers that make the request an event.
WAYS: Dict[str, Tuple[str, Dict[bytes, bytes]]] = {
    "v1": ("v1", {}),
    "v2": ("v2", {}),
    "explain": ("explain", {}),
    "event": ("v1", EVENT),
    "event, V2": ("v2", EVENT),
    "structured event": ("v1", STRUCTURED),
    "structured event to explain": ("explain", STRUCTURED),
}
#: Those whose connection has all of the body, and answers without a task what is not unusual.
PROMPT = {f"{way}, prompt": asked for way, asked in WAYS.items()}
HELD = 99.0


class Owners(Numbers):
    """A model of the owner's. It keeps rows that begin with 99 until it may go on, and fails where it is told to."""

    signature = Signature((Column("x", "FP64"), Column("plan", "BYTES", nullable=True)))
    outputs = (*Numbers.outputs, Tensor("predict_proba", "FP64", (-1,)))

    def __init__(self) -> None:
        super().__init__()
        self.example = pd.DataFrame({"x": [1.0], "plan": ["a"]})
        self.go_on = threading.Event()
        self.error: BaseException | None = None

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        values: np.ndarray = X["x"].to_numpy()
        if (values == HELD).any():
            self.go_on.wait(30)
        self.calls.append(len(values))
        if self.error:
            raise self.error
        return values


class Client:
    """Waits for an answer; `tasks` are those that it took."""

    def __init__(self, call: Prompt) -> None:
        self._call = call
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.tasks: List[asyncio.Task[None]] = []

    def done(self, answer: Answer) -> None:
        self.answer.set_result(answer)

    def later(self, work: Callable[[], Awaitable[Answer]]) -> None:
        async def run() -> None:
            self.done(await self._call.answered(work))

        self.tasks.append(asyncio.get_running_loop().create_task(run()))


class Server:
    """A model "m", and requests for it; `limits` are those of the gate."""

    def __init__(self, folder: Path, max_waiting: int = 100, **limits: Any) -> None:
        self.owners = Owners()
        self.model = serve(self.owners, folder, max_waiting=max_waiting)
        everything: Dict[str, Any] = {"body": 1000, "requests": 100, "bytes": 5000, "rows": 100, "deadline": 30}
        self.desk: Desk[Any] = Desk({"m": self.model}.get, Limits(**{**everything, **limits}))

    def begin(self, way: str = "v1", size: int = 0, name: str = "m", **headers: str) -> Prediction:
        kind, event = {**WAYS, **PROMPT}[way]
        given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        length = {b"content-length": b"%d" % size} if size else {}
        made = Prompt if way in PROMPT else Prediction
        return made(self.desk, Route(name, kind), {**event, **given, **length}, "kserve")

    async def answer(self, call: Prediction, body: bytes) -> Answer:
        """Let a request have all of its body."""
        if not isinstance(call, Prompt):
            return await call.answer(arriving(call, body))
        client = Client(call)
        call.begin(body, client)
        return await client.answer

    async def ask(self, way: str = "v1", *rows: Any, **options: Any) -> Answer:
        """Ask for rows, one unless told otherwise, and be done with the answer."""
        body = content(way, *(rows or ([1.0, "a"],)))
        call = self.begin(way, len(body), **options)
        try:
            return await self.answer(call, body)
        finally:
            call.end()


def content(way: str, *rows: Any) -> bytes:
    way = way.replace(", prompt", "")
    request: Any = {"instances": rows}
    if way == "event, V2":
        columns = zip(("x", "plan"), ("FP64", "BYTES"), zip(*rows))
        request = {"inputs": [{"name": n, "datatype": t, "shape": [len(d)], "data": d} for n, t, d in columns]}
    if way.startswith("structured"):
        request = {"specversion": "1.0", "id": "1", "source": "test", "type": "test", "data": request}
    return json.dumps(request).encode()


def arriving(call: Call[Any], *chunks: bytes) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        for chunk in chunks:
            if not call.arrived(len(chunk)):
                break
        return b"".join(chunks)

    return read


async def until(true: Callable[[], object]) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


def error(answer: Answer) -> str:
    found: str = json.loads(answer.body)["error"]
    return found


every_way = pytest.mark.parametrize("way", list(WAYS))
whole_or_not = pytest.mark.parametrize("way", [*WAYS, *PROMPT])


@whole_or_not
def test_a_missing_text_is_a_value_like_others(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        answer = await Server(tmp_path).ask(way, [2.0, None])
        assert answer.status == 200, answer
        assert b"2.0" in answer.body

    asyncio.run(main())


@whole_or_not
def test_more_requests_than_may_be_in_flight_are_told_to_come_again(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, requests=1)
        first = asyncio.ensure_future(server.ask("v1", [HELD, "a"]))
        await asyncio.sleep(0)
        refused = await server.ask(way)
        assert (refused.status, refused.headers) == (503, ((b"retry-after", b"1"),))
        assert "--max_requests" in error(refused)
        server.owners.go_on.set()
        assert (await first).status == 200
        assert (await server.ask(way)).status == 200

    asyncio.run(main())


@whole_or_not
def test_bytes_count_from_the_head_until_the_answer_is_written(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, bytes=1000)
        uploading = server.begin(way, size=990)
        refused = await server.ask(way)
        assert (refused.status, refused.headers) == (503, ((b"retry-after", b"1"),))
        assert "--max_bytes_in_flight" in error(refused)
        uploading.end()
        chunked = server.begin(way)
        assert chunked.arrived(990)
        assert (await server.ask(way)).status == 503
        chunked.end()
        assert (await server.ask(way)).status == 200

    asyncio.run(main())


@every_way
def test_a_body_that_is_too_large_is_refused_as_soon_as_that_is_known(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, body=500)
        announced = server.begin(way, size=501)
        assert announced.refused
        assert (await announced.answer(arriving(announced))).status == 413
        chunked = server.begin(way)
        answer = await chunked.answer(arriving(chunked, b" " * 300, b" " * 201))
        assert (answer.status, chunked.complete) == (413, False)
        assert "--max_buffer_size" in error(answer)
        assert (await server.ask(way)).status == 200

    asyncio.run(main())


@whole_or_not
@pytest.mark.parametrize("length", ["abc", "-1", "", "1, 2", "9" * 5000, "٣"])
def test_a_length_that_is_no_number_is_not_known(tmp_path: Path, way: str, length: str) -> None:
    async def main() -> None:
        server = Server(tmp_path)
        call = server.begin(way, content_length=length)
        assert (await server.answer(call, content(way, [1.0, "a"]))).status == 200
        call.end()

    asyncio.run(main())


@whole_or_not
def test_rows_count_and_a_request_with_many_is_answered_alone(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, rows=2)
        first = asyncio.ensure_future(server.ask("v1", [HELD, "a"]))
        await asyncio.sleep(0)
        many = [[1.0, "a"]] * 3
        refused = await server.ask(way, *many)
        assert (refused.status, "--max_rows" in error(refused)) == (503, True)
        server.owners.go_on.set()
        assert (await first).status == 200
        assert (await server.ask(way, *many)).status == 200

    asyncio.run(main())


@whole_or_not
def test_what_is_late_is_a_504_and_is_not_computed(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, deadline=0.3)
        first = asyncio.ensure_future(server.ask(way, [HELD, "a"]))
        await asyncio.sleep(0.05)
        for late in (await server.ask(way), await first):
            assert (late.status, late.headers) == (504, ((b"retry-after", b"1"),))
            assert "--deadline_seconds" in error(late)
        server.owners.go_on.set()
        assert (await server.ask(way)).status == 200
        assert server.owners.calls == [1, 1]

    asyncio.run(main())


@every_way
def test_a_body_that_does_not_come_ends(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, deadline=0.2)
        call = server.begin(way, size=10)
        answer = await call.answer(lambda: asyncio.get_running_loop().create_future())
        assert (answer.status, call.complete) == (408, False)

    asyncio.run(main())


@whole_or_not
def test_a_client_that_left_neither_waits_nor_is_computed(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path, max_waiting=1)
        first = asyncio.ensure_future(server.ask(way, [HELD, "a"]))
        await asyncio.sleep(0.05)
        call = server.begin(way)
        leaving = asyncio.ensure_future(server.answer(call, content(way, [1.0, "a"], [1.0, "a"])))
        await asyncio.sleep(0.05)
        assert (await server.ask(way)).status == 503
        call.leave()
        assert (await leaving).status == 499
        next_one = asyncio.ensure_future(server.ask(way, [2.0, "a"]))
        await asyncio.sleep(0.05)
        server.owners.go_on.set()
        assert [(await item).status for item in (first, next_one)] == [200, 200]
        assert server.owners.calls == [1, 1]

    asyncio.run(main())


def test_a_request_that_takes_long_listens_for_its_client_and_others_do_not(tmp_path: Path) -> None:
    async def main() -> None:
        server = Server(tmp_path)
        heard: List[str] = []
        for value in (1.0, HELD):
            call = server.begin()
            assert call.ticket
            call.ticket.watch = lambda value=value: heard.append(str(value))
            task = asyncio.ensure_future(call.answer(arriving(call, content("v1", [value, "a"]))))
            if value == HELD:
                await until(lambda: heard)
                server.owners.go_on.set()
            assert (await task).status == 200
            call.end()
        assert heard == [str(HELD)]

    asyncio.run(main())


#: Whatever can go wrong, and its status over REST and over gRPC.
ERRORS = [
    (ValueError("secret"), 500, "INTERNAL"),
    (SystemExit("secret"), 500, "INTERNAL"),
    (asyncio.CancelledError("secret"), 500, "INTERNAL"),
    (NoExplanations("it is not explained"), 501, "UNIMPLEMENTED"),
]


@whole_or_not
@pytest.mark.parametrize(("raised", "status", "code"), ERRORS, ids=lambda value: str(value))
def test_errors_have_one_form(tmp_path: Path, way: str, raised: BaseException, status: int, code: str) -> None:
    async def main() -> None:
        server = Server(tmp_path)
        server.owners.error = raised
        answer = await server.ask(way)
        assert (answer.status, answer.content_type, "secret" in error(answer)) == (status, b"application/json", False)

        call: Call[Any] = Call(server.desk, "grpc", "m")

        async def work() -> Any:
            return await call.model.answer(call.model.decoder.decode(content("v1", [1.0, "a"])))

        with pytest.raises(Failed) as failed:
            await call.run(work)
        assert (failed.value.outcome.code, str(failed.value)) == (code, error(answer))

    asyncio.run(main())


@every_way
def test_what_is_not_there_is_a_404_before_its_body_is_read(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path)

        async def read() -> bytes:
            raise AssertionError("nobody needs the body")

        call = server.begin(way, size=100, name="absent")
        assert (await call.answer(read)).status == 404
        assert len(error(await server.begin(way, name="m" * 1_000_000).answer(read))) <= 2000  # or gRPC cannot say it
        server.model.ready = False
        call = server.begin(way, size=100)
        assert (await call.answer(read)).status == 503

    asyncio.run(main())


@whole_or_not
def test_an_answer_has_those_headers_of_its_request_that_find_it_again(tmp_path: Path, way: str) -> None:
    async def main() -> None:
        server = Server(tmp_path)
        sent = {"x_request_id": "1", "traceparent": "2", "authorization": "secret", "cookie": "secret"}
        for rows in ([[1.0, "a"]], [["secret", "a"]]):
            headers = dict((await server.ask(way, *rows, **sent)).headers)
            assert (headers[b"x-request-id"], headers[b"traceparent"]) == (b"1", b"2")
            assert {name for name in headers if not name.startswith(b"ce-")} == {b"x-request-id", b"traceparent"}
            assert b"secret" not in b"".join(headers.values())

    asyncio.run(main())


@pytest.mark.usefixtures("without_collecting")
@pytest.mark.parametrize("refused", [{"name": "absent"}, {"size": 1001}, {"content_type": "image/png"}], ids=str)
def test_a_refused_request_is_gone_with_its_answer(tmp_path: Path, refused: Dict[str, Any]) -> None:
    """And not kept until garbage is collected: refusals come in floods."""

    async def main() -> None:
        call = Server(tmp_path).begin(**refused)
        assert (await call.answer(arriving(call))).status in (404, 413, 415)
        call.end()
        left = weakref.ref(call)
        del call
        assert left() is None

    asyncio.run(main())


def for_both(*rows: Any) -> bytes:
    return json.dumps({"instances": rows, "parameters": {"outputs": ["predict", "predict_proba"]}}).encode()


#: Requests that are answered without a task, and those that take one.
USUAL: Dict[str, Tuple[str, bytes, Dict[str, str]]] = {
    "V1": ("v1", content("v1", [1.0, "a"], [2.0, None]), {}),
    "V2": ("v2", content("event, V2", [1.0, "a"]), {}),
    "rows to V2's path": ("v2", content("v1", [1.0, "a"]), {}),
    "CSV": ("v1", b"x,plan\n1,a\n", {"content_type": "text/csv"}),
    "lines": ("v1", content("v1", [1.0, "a"]), {"accept": "application/jsonlines"}),
    "a client that unpacks": ("v1", content("v1", [1.0, "a"]), {"accept_encoding": "gzip"}),
    "ids": ("v1", content("v1", [1.0, "a"]), {"x_request_id": "1"}),
    "many rows": ("v1", content("v1", *([1.0, "a"],) * 2000), {}),
}
UNUSUAL: Dict[str, Tuple[str, bytes, Dict[str, str]]] = {
    "a mistake": ("v1", b"{", {}),
    "no such column": ("v1", b'{"instances": [{"y": 1}]}', {}),
    "an explanation": ("explain", content("v1", [1.0, "a"]), {}),
    "two outputs": ("v1", for_both([1.0, "a"]), {}),
    "two outputs to be packed": ("v1", for_both(*([0.12345678912, "a"],) * 700), {"accept_encoding": "gzip"}),
    "packed": ("v1", gzip.compress(content("v1", [1.0, "a"])), {"content_encoding": "gzip"}),
    "so many rows that a thread reads them": ("v1", content("v1", *([1.0, "a"],) * 25_000), {}),
    "an answer to be packed": (
        "v1",
        content("v1", *([1.0, "a"],) * 10_000),
        {"accept_encoding": "gzip", "x_request_id": "1"},
    ),
}


@pytest.mark.parametrize("asked", [*USUAL, *UNUSUAL])
def test_what_is_usual_takes_no_task_and_the_answer_is_the_same(
    tmp_path: Path, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whatever is asked, is decoded once."""

    async def main() -> None:
        server = Server(tmp_path, body=500_000, bytes=500_000, rows=50_000)
        way, body, headers = {**USUAL, **UNUSUAL}[asked]
        found, told, decode = [], [], Mock(wraps=server.model.decoder.decode)
        monkeypatch.setattr(server.model.decoder, "decode", decode)
        for kind in (way, f"{way}, prompt"):
            call = server.begin(kind, len(body), **headers)
            if isinstance(call, Prompt):
                client = Client(call)
                call.begin(body, client)
                answer = await client.answer
                assert len(client.tasks) == (asked in UNUSUAL)
            else:
                answer = await call.answer(arriving(call, body))
            call.end(len(answer.body))
            found.append(answer)
            told.append((call.outcome, call.bytes_in, call.complete))
        assert found[0].status == (400 if asked in ("a mistake", "no such column") else 200), found[0]
        assert (found[0], told[0]) == (found[1], told[1])
        assert decode.call_count == 2
        assert (await server.ask("v1")).status == 200

    asyncio.run(main())


@pytest.mark.usefixtures("without_collecting")
def test_a_request_without_a_task_is_gone_with_its_answer(tmp_path: Path) -> None:
    async def main() -> None:
        call = Server(tmp_path).begin("v1, prompt")
        assert isinstance(call, Prompt)
        client = Client(call)
        call.begin(content("v1", [1.0, "a"]), client)
        assert (await client.answer).status == 200
        call.end()
        left = weakref.ref(call)
        del call, client
        assert left() is None

    asyncio.run(main())


@pytest.mark.parametrize("event", [EVENT, STRUCTURED])
def test_an_event_is_answered_with_an_event(tmp_path: Path, event: Dict[bytes, bytes]) -> None:
    async def main() -> None:
        answer = await Server(tmp_path).ask("event" if event is EVENT else "structured event")
        attributes: Any = {name.decode()[3:]: value.decode() for name, value in answer.headers}
        found = json.loads(answer.body)
        if event is STRUCTURED:
            attributes, found = found, found["data"]
        assert found == {"predictions": [1.0]}
        assert (attributes["source"], attributes["type"]) == ("io.kserve.inference.m", "io.kserve.inference.response")
        assert attributes["specversion"] == "1.0" and attributes["id"] != "1"

    asyncio.run(main())


#: An event that can be read, and not written again.
DEEP = b'{"specversion": "1.0", "source": "a", "type": "a", "id": "1", "data": %b%b}' % (b"[" * 300, b"]" * 300)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"id": "1"}', b'{"data_base64": "!"}', b"\xff", pytest.param(DEEP, id="deep")]
)
def test_what_is_no_event_is_a_clients_mistake(tmp_path: Path, body: bytes) -> None:
    async def main() -> None:
        server = Server(tmp_path)
        call = server.begin("structured event")
        assert (await call.answer(arriving(call, body))).status == 400

    asyncio.run(main())


def test_paths_say_what_is_asked() -> None:
    assert find("/v1/models/m:predict") == ("m", "v1", "")
    assert find("/v2/models/m/infer") == ("m", "v2", "")
    assert find("/v2/models/m/versions/3/infer") == ("m", "v2", "3")
    assert find("/v1/models/m:explain") == ("m", "explain", "")
    others = ("/", "/v1/models/:predict", "/v1/models/a/b:predict", "/v2/models//infer", "/v2/models/a/b/infer")
    assert [find(path) for path in (*others, "/v2/models/m/versions/1/2/infer", "/v1/models/m")] == [None] * 7
