"""Promises of large requests: others are answered in between, and each is what it would be if it were small."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import pytest
from _engine.contract.errors import Unanswerable
from _engine.contract.signature import Column, Signature
from _engine.protocol import events, large, slices
from _engine.protocol.answers import Growing
from _engine.protocol.media import PLAIN
from _engine.protocol.requests import Request
from _engine.serving import rest
from _engine.serving.calls import Desk
from _engine.serving.gate import Limits
from _engine.serving.large import answer
from _engine.serving.large import decode as in_slices
from _engine.serving.replies import Answer
from _engine.serving.rest import Prediction
from _engine.serving.routes import Route
from served import Numbers, serve

UNANSWERABLE = 98.0
TEXT = 1_200_000


class Owners(Numbers):
    """A model of the owner's that adds two columns, and cannot answer rows that begin with 98."""

    signature = Signature((Column("x", "FP64"), Column("y", "FP64")))
    example = np.array([[1.0, 2.0]])

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        self.calls.append(len(X))
        bad = np.flatnonzero(X[:, 0] == UNANSWERABLE)
        if len(bad):
            raise Unanswerable(f"row {bad[0]}: begins with 98")
        total: np.ndarray = X.sum(axis=1)
        return total


class Server:
    """A model "m" that is called with 1024 rows at most."""

    def __init__(self, folder: Path) -> None:
        self.owners = Owners()
        self.model = serve(self.owners, folder)
        self.desk: Desk[Any] = Desk({"m": self.model}.get, Limits(10**8, 100, 10**9, 10**7, 60, TEXT))

    def begin(self, way: str, **headers: str) -> Prediction:
        given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        return Prediction(self.desk, Route("m", way), given, "kserve")

    async def ask(self, way: str, body: bytes, **headers: str) -> Answer:
        async def read() -> bytes:
            call.arrived(len(body))
            return body

        call = self.begin(way, **headers)
        try:
            return await call.answer(read)
        finally:
            call.end()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def body_of(form: str, X: np.ndarray) -> Tuple[str, bytes, Dict[str, str]]:
    """Rows in a form: the way in, the body, and the headers."""
    tensor: Dict[str, Any] = {"name": "input-0", "datatype": "FP64", "shape": list(X.shape)}
    if form in ("v1", "explain"):
        return form, json.dumps({"instances": X.tolist()}).encode(), {}
    if form == "records":
        return "v1", json.dumps({"instances": [{"x": x, "y": y} for x, y in X.tolist()]}).encode(), {}
    if form == "columns":
        columns = [{**tensor, "name": n, "shape": [len(X)], "data": c} for n, c in zip("xy", X.T.tolist())]
        return "v2", json.dumps({"inputs": columns}).encode(), {}
    if form == "binary":
        asked = {"inputs": [{**tensor, "parameters": {"binary_data_size": X.nbytes}}]}
        head = json.dumps({**asked, "parameters": {"binary_data_output": True}}).encode()
        return "v2", head + X.tobytes(), {"inference_header_content_length": str(len(head))}
    data = X.tolist() if form == "nested" else X.ravel().tolist()
    return "v2", json.dumps({"inputs": [{**tensor, "data": data}]}).encode(), {}


FORMS = ["v1", "explain", "v2", "nested", "columns", "binary"]


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 2))


class Turns:
    """Counts the turns of the event loop, and notes at which of them each slice is read, and each answer written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.slices: List[int] = []
        self.answers: List[int] = []
        cut, add = slices.cut, Growing.add

        def noted_cut(*arguments: Any) -> Iterator[bytes]:
            for piece in cut(*arguments):
                self.slices.append(self.count)
                yield piece

        def noted_add(growing: Any, outputs: Any) -> None:
            self.answers.append(self.count)
            add(growing, outputs)

        monkeypatch.setattr(large, "cut", noted_cut)
        monkeypatch.setattr(Growing, "add", noted_add)

    async def during(self, work: Any) -> Any:
        async def count() -> None:
            while True:
                self.count += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count())
        try:
            return await work
        finally:
            counting.cancel()


@pytest.mark.parametrize("form", FORMS)
def test_the_loop_turns_between_slices_and_between_answers(
    server: Server, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, X = Turns(monkeypatch), rows(120_000)
    way, body, headers = body_of(form, X)
    answered = asyncio.run(turns.during(server.ask(way, body, **headers)))
    assert answered.status == 200, answered.body[:200]
    assert len(turns.slices) >= (0 if form == "binary" else len(body) // slices.SLICE)
    assert len(set(turns.slices)) == len(turns.slices)
    assert len(set(turns.answers)) == len(turns.answers)
    assert len(server.owners.calls) == -(-len(X) // 1024) and max(server.owners.calls) == 1024


@pytest.mark.parametrize("form", [*FORMS, "records"])
@pytest.mark.parametrize("wrong", [None, "unanswerable", "too large"])
def test_a_large_request_is_answered_as_a_small_one(
    server: Server, form: str, wrong: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers, their order, and the numbers of rows in errors."""
    X = rows(3000)
    X[2500, 0] = {None: 1, "unanswerable": UNANSWERABLE, "too large": 1e39}[wrong]
    way, body, headers = body_of(form, X)
    small = asyncio.run(server.ask(way, body, **headers))
    monkeypatch.setattr(rest, "LARGE", 1000)
    monkeypatch.setattr(rest, "SLICED", 1000)
    server.owners.calls.clear()
    assert asyncio.run(server.ask(way, body, **headers)) == small
    assert wrong is None or (small.status == 400 and b"row 2500" in small.body)
    assert wrong or server.owners.calls == [1024, 1024, 952]


def test_over_grpc_too_the_model_is_called_with_so_many_rows(server: Server) -> None:
    X = rows(3000)
    (output,) = asyncio.run(answer(server.model, Request(X, False)))
    np.testing.assert_array_equal(output.values, X.sum(axis=1))
    assert server.owners.calls == [1024, 1024, 952]


@pytest.mark.parametrize("form", ["records", "csv", "event"])
def test_what_is_too_large_to_be_read_whole_is_refused_with_the_way_out(server: Server, form: str) -> None:
    """Up to that size, it is answered."""
    for count, status in ((30_000, 200), (60_000, 413)):
        X, headers = rows(count).round(2), {}
        way, body, _ = body_of("records", X)
        if form == "csv":
            headers, body = {"content_type": "text/csv"}, b"0.25,0.12345678901234\n" * count
        if form == "event":
            headers = {"content_type": "application/cloudevents+json"}
            request = json.loads(body_of("v1", X)[1] if status == 200 else body)
            body = json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": request}).encode()
        assert (len(body) > TEXT) is (status == 413), len(body)
        answered = asyncio.run(server.ask(way, body, **headers))
        assert answered.status == status, answered.body[:300]
        if status == 413:
            assert b"--max_text_size" in answered.body
            assert form == "event" or b"binary form" in answered.body


def test_bodies_that_are_read_whole_do_not_keep_the_loop_waiting(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read one at a time; and no garbage is looked for in their rows, be it later, if they are refused."""
    body = b'{"instances": [' + b'["1", 2],' * 120_000 + b"[3, 4]]}"
    decode, reading, most = server.model.decoder.decode, [], []

    def watched(*given: Any) -> Request:
        reading.append(1)
        most.append((len(reading), gc.isenabled()))
        time.sleep(0.05)  # long enough for another one to begin
        try:
            return decode(*given)
        finally:
            reading.pop()

    monkeypatch.setattr(server.model.decoder, "decode", watched)

    async def ask_at_once() -> List[BaseException]:
        asked = [in_slices(server.model, body, None, True, PLAIN, 10**8) for _ in range(3)]
        return [error for error in await asyncio.gather(*asked, return_exceptions=True) if error]  # type: ignore[misc]

    refused = asyncio.run(ask_at_once())
    assert most == [(1, False)] * 3
    assert gc.isenabled()
    assert ["expected a number" in str(error) for error in refused] == [True] * 3
    for error in refused:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert error.__context__ is None
        assert not any("rows" in frame.f_locals for frame in frames)


@pytest.mark.parametrize("body", [b'{"instances": [%b 1e999]}', b'{"instances": [%b [1, 2]', b'{"x": [%b [1, 2]]}'])
def test_a_large_mistake_is_not_read_whole(server: Server, body: bytes) -> None:
    answered = asyncio.run(server.ask("v1", body.replace(b"%b", b"[1.25,2.5]," * 200_000)))
    assert answered.status == (400 if b"instances" in body else 413)


@pytest.mark.parametrize("form", FORMS)
def test_who_left_is_not_worked_for_any_more(server: Server, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is there decoding, nor a call of the model, nor anything counted."""
    turns = Turns(monkeypatch)
    way, body, headers = body_of(form, rows(120_000))

    async def leave() -> int:
        async def read() -> bytes:
            call.arrived(len(body))
            return body

        call = server.begin(way, **headers)
        work = asyncio.ensure_future(call.answer(read))
        while not turns.slices and not server.owners.calls:
            await asyncio.sleep(0)
        call.leave()
        answered = await work
        call.end()
        return answered.status

    assert asyncio.run(leave()) == 499
    assert len(turns.slices) <= 2 and len(server.owners.calls) <= 2
    assert (server.desk.gate._bytes, server.desk.gate._rows) == (0, 0)


def test_a_large_structured_event_is_read_beside_the_loop(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 15 MB it takes seconds, if it is meant to."""
    readers: List[Any] = []
    data = events.data

    def noted(form: str, body: bytes) -> bytes:
        readers.append(threading.current_thread())
        return data(form, body)

    monkeypatch.setattr(events, "data", noted)
    for count in (1, 20_000):
        event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
        body = json.dumps({**event, "data": {"instances": [[1.25, 2.5]] * count}}).encode()
        answered = asyncio.run(server.ask("v1", body, content_type="application/cloudevents+json"))
        assert json.loads(answered.body)["data"] == {"predictions": [3.75] * count}
    assert [reader is threading.main_thread() for reader in readers] == [True, False]
