"""A hostile client against the server of an installed project, by every way in. Whatever it sends is answered, with no
status of 5xx but those that are promised, and nothing of it comes back; requests of others in between are answered
rightly, bit for bit; memory and open files stay what they were; and SIGTERM ends the server with 0.

`HOSTILE_REQUESTS=100000` makes a long run of the short one that is made otherwise. How requests are spoilt is in
hostile.py.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from facts import SDKS
from hostile import CANARY, LONGEST_ERROR, Line, Mutator, Reply, Request
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from running import Server, shell

pytestmark = pytest.mark.slow

REQUESTS = int(os.environ.get("HOSTILE_REQUESTS", "5000")) // len(SDKS)
DEADLINE = 2
#: Connections at once on which something is missing, for which the server waits that long.
WAITING = 100
#: Trains a model of numbers, truth values, text and missing values, and prints what it answers to some rows.
TRAIN = """
import json, sys
from pathlib import Path
import numpy as np
import pandas as pd
from sklearnserver.trainer.model import MyModel
random = np.random.default_rng(0)
X = pd.DataFrame({
    "age": random.integers(18, 80, 200).astype(float),
    "spend": random.gamma(2, 30, 200),
    "active": random.random(200) < 0.5,
    "plan": random.choice(["basic", "pro", "städtisch"], 200),
})
X.loc[::7, "age"] = np.nan
X.loc[::9, "plan"] = None
model = MyModel()
model.train(X, np.where(X["age"].fillna(40) + X["spend"] > 90, "não & mais", "sim"))
directory = Path(sys.argv[1]) / "0001"
model.save(directory)
model = MyModel(dirpath=directory, runtime="auto")
X = X[X["plan"].notna()].sort_values("spend").iloc[[0, 20, 40, -1]].assign(age=[30.0, np.nan, 50.0, 60.0])
rows = X.astype(object)
given = model.signature.conform(X)
answers = {str(proba): model.answer(given, proba).tolist() for proba in (False, True)}
print(json.dumps({"rows": rows.where(rows.notna(), None).values.tolist(), **answers}))
"""
EVENT = {"specversion": "1.0", "source": "test", "type": "test", "id": "1"}
#: Codes of gRPC that answer a mistake of the client's, or say that the server is busy.
CODES = [
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
]


@pytest.fixture(scope="module", params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def facts(sdk: str, install: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A model directory, rows for it, and what the model answers to them in process."""
    project, folder = install("sklearn", sdk), tmp_path_factory.mktemp("models")
    (folder.parent / "train.py").write_text(TRAIN)
    found: dict[str, Any] = json.loads(
        shell(project, f".venv/bin/python {folder.parent}/train.py {folder}", PYTHONPATH=str(project)).splitlines()[-1]
    )
    return {**found, "folder": folder}


@pytest.fixture
def server(sdk: str, install: Callable[..., Path], facts: dict[str, Any]) -> Iterator[Server]:
    options = f"--deadline_seconds={DEADLINE}", "--max_buffer_size=1000000"
    with Server(install("sklearn", sdk), *options, MODEL_DIR=str(facts["folder"])) as server:
        yield server


def tensors(rows: list[list[Any]], **form: Any) -> dict[str, Any]:
    """Rows as tensors, one for each column, and the outputs that are asked for."""
    names = (("age", "FP64"), ("spend", "FP64"), ("active", "BOOL"), ("plan", "BYTES"))
    inputs = [
        {"name": name, "datatype": kind, "shape": [len(rows)], "data": [row[at] for row in rows]}
        for at, (name, kind) in enumerate(names)
    ]
    return {"id": "7", "inputs": inputs, "outputs": [{"name": "predict_proba", **form}, {"name": "predict"}]}


def binary(rows: list[list[Any]]) -> Request:
    """V2's binary form."""
    content = tensors(rows, parameters={"binary_data": True})
    tail = b""
    for item in content["inputs"]:
        raw = packed(item["datatype"], item.pop("data"))
        item["parameters"] = {"binary_data_size": len(raw)}
        tail += raw
    text = json.dumps(content).encode()
    return Request("/v2/models/m/infer", text + tail, {"Inference-Header-Content-Length": str(len(text))})


def packed(datatype: str, values: list[Any]) -> bytes:
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in values)
    numbers = [float("nan") if value is None else value for value in values]
    return struct.pack(f"<{len(values)}{'d' if datatype == 'FP64' else '?'}", *numbers)


def right_requests(sdk: str, facts: dict[str, Any]) -> list[tuple[Request, Callable[[Reply], bool]]]:
    """Requests by every way in over REST, and whether an answer to each is the model's."""
    rows, labels, likely = facts["rows"], facts["False"], facts["True"]
    v1 = {"instances": rows, "parameters": {"predict_proba": True}}
    body, whole = json.dumps(v1).encode(), json.dumps(tensors(rows)).encode()
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    csv = "".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows).encode()
    event = json.dumps({**EVENT, "data": v1}).encode()
    base64d = json.dumps({**EVENT, "data_base64": base64.b64encode(body).decode()}).encode()

    def said(*path: Any) -> Callable[[Reply], Any]:
        def found(reply: Reply) -> Any:
            content = json.loads(reply.body)
            for key in path:
                content = content[key]
            return content

        return found

    def flat(values: list[list[float]]) -> list[float]:
        return [value for row in values for value in row]

    probabilities = said("predictions"), likely
    structured = {"content-type": "application/cloudevents+json"}
    cases: list[tuple[Request, Callable[[Reply], Any], Any]] = [
        (Request("/v1/models/m:predict", body), *probabilities),
        (Request("/v1/models/m:predict", json.dumps({"instances": rows}).encode()), said("predictions"), labels),
        (Request("/v2/models/m/infer", whole), said("outputs", 0, "data"), flat(likely)),
        (Request("/v2/models/m/infer", whole), said("outputs", 1, "data"), labels),
        (Request("/v1/models/m:explain", body), lambda reply: len(said("explanations")(reply)), len(rows)),
        (Request("/v1/models/m:predict", body, {f"ce-{name}": value for name, value in EVENT.items()}), *probabilities),
        (Request("/v1/models/m:predict", event, structured), said("data", "predictions"), likely),
        (Request("/v2/models/m/infer", base64d, structured), said("data", "predictions"), likely),
        (Request("/v1/models/m:predict", csv, {"content-type": "text/csv"}), said("predictions"), labels),
        (Request("/v2/models/m/infer", lines, {"content-type": "application/jsonlines"}), said("predictions"), labels),
        (Request("/v1/models/m", method="GET"), said("ready"), True),
        (Request("/v1/models", method="GET"), lambda reply: reply.status, 200),
        (Request("/v2/repository/models/m/load"), said("load"), True),
        (Request("/v2/repository/models/absent/unload"), lambda reply: reply.status, 404),
    ]
    if sdk == "kserve":
        first = {"dataframe_split": {"columns": ["age", "spend", "active", "plan"], "data": rows}}
        cases += [
            (Request("/invocations", csv, {"content-type": "text/csv"}), said("predictions"), labels),
            (Request("/invocations", lines, {"content-type": "application/jsonlines"}), said("predictions"), labels),
            (Request("/invocations", json.dumps(first).encode()), said("predictions"), labels),
            (Request("/v2/models/m/versions/1/infer", whole), said("outputs", 1, "data"), labels),
            (Request("/v2/models/m/versions/0001", method="GET"), said("name"), "m"),
            (Request("/v2/models/m", method="GET"), said("name"), "m"),
            (Request("/v2/repository/index", b'{"ready": true}'), said(0, "state"), "READY"),
            (Request("/openapi.json", method="GET"), said("openapi"), "3.1.0"),
        ]
    raw = struct.pack("<8d", *flat(likely))
    cases.append((binary(rows), lambda reply: raw in reply.body, True))

    def fits(read: Callable[[Reply], Any], expected: Any) -> Callable[[Reply], bool]:
        return lambda reply: bool(read(reply) == expected)

    return [(request, fits(read, expected)) for request, read, expected in cases]


def messages(rows: list[list[Any]]) -> list[bytes]:
    """The same rows for gRPC, typed and raw."""
    found = []
    for typed in (True, False):
        request = pb.ModelInferRequest(model_name="m")
        for item in tensors(rows)["inputs"]:
            tensor = request.inputs.add(name=item["name"], datatype=item["datatype"], shape=item["shape"])
            if not typed:
                request.raw_input_contents.append(packed(item["datatype"], item["data"]))
            elif item["datatype"] == "BYTES":
                tensor.contents.bytes_contents.extend(str(value).encode() for value in item["data"])
            else:
                contents = (
                    tensor.contents.bool_contents if item["datatype"] == "BOOL" else tensor.contents.fp64_contents
                )
                contents.extend(float("nan") if value is None else value for value in item["data"])
        found.append(request.SerializeToString())
    return found


class Attack:
    """Sends requests to a server, and holds each answer against what is promised."""

    def __init__(self, server: Server, sdk: str, facts: dict[str, Any], seed: int) -> None:
        self._right = right_requests(sdk, facts)
        self._mutator = Mutator(seed)
        self._server = server
        self._line = Line(server.http)
        self._waiting: deque[tuple[Request, Line]] = deque()
        self._messages = messages(facts["rows"]) if sdk == "kserve" else []
        channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc}")
        self._infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        self._channel = channel
        self.answers: Counter[str] = Counter()
        #: What was wrong, and an example of each.
        self.problems: dict[str, str] = {}

    def run(self, count: int) -> None:
        for number in range(count):
            if self._messages and number % 6 == 0:
                self._call(self._mutator.message(self._mutator.one_of(self._messages)))
            else:
                request = self._mutator.one_of(self._right)[0]
                if request.path.endswith("/load") and self._mutator.chance(0.9):
                    continue  # it takes a thousand times as long as others
                self._send(self._mutator.request(request))
            if number % 5 == 0:
                self.ask_rightly(self._mutator.one_of(self._right))

    def ask_rightly(self, case: tuple[Request, Callable[[Reply], bool]]) -> None:
        request, fits = case
        self._line.send(request.to_bytes())
        reply = self._read(self._line, request)
        self._check(reply is not None and fits(reply), "a right request got no right answer", request, reply)

    def _read(self, line: Line, request: Request) -> Reply | None:
        try:
            return line.read(request.method)
        except TimeoutError:
            self._check(False, "no answer in 30 seconds", request)
            line.close()
            return None

    def _check(self, holds: object, problem: str, *shown: object) -> None:
        if not holds:
            self.problems.setdefault(problem, str(shown)[:3000])

    def ask_all_rightly(self) -> None:
        for case in self._right:
            self.ask_rightly(case)
        for message in self._messages:
            assert self._call(message) == "OK"

    def finish(self) -> None:
        """Wait for all answers, and leave."""
        while self._waiting:
            self._collect()
        self._line.close()
        self._channel.close()

    def _send(self, request: Request) -> None:
        if not request.whole or "expect" in request.headers:
            line = Line(self._server.http)
            line.send(request.to_bytes())
            self._waiting.append((request, line))
            if len(self._waiting) > WAITING:
                self._collect()
            return
        pipelined = self._right[0] if self._mutator.chance(0.1) and request.method != "HEAD" else None
        self._line.send(request.to_bytes() + (pipelined[0].to_bytes() if pipelined else b""))
        self._hold(request, self._read(self._line, request))
        if pipelined and self._line.is_open:
            reply = self._read(self._line, pipelined[0])
            self._check(reply is None or pipelined[1](reply), "a pipelined request got no right answer", request, reply)

    def _collect(self) -> None:
        request, line = self._waiting.popleft()
        self._hold(request, self._read(line, request))
        line.close()

    def _hold(self, request: Request, reply: Reply | None) -> None:
        if reply is None:
            self.answers["closed"] += 1
            self._check(not request.whole, "a request got no answer", request)
            return
        self.answers[str(reply.status)] += 1
        shown = (request, reply)
        fine = 200 <= reply.status < 500 or reply.status in (501, 503, 504)
        self._check(fine, f"status {reply.status}", *shown)
        self._check(CANARY[1] not in str(reply.headers) and CANARY[1].encode() not in reply.body, "an echo", *shown)
        if reply.status >= 400 and request.method != "HEAD":
            self._check(len(reply.body) <= LONGEST_ERROR, f"an error is too long, {reply.status}", *shown)
            self._check(_says_why(reply.body), f"an error has another form, {reply.status}", *shown)

    def _call(self, message: bytes) -> str:
        try:
            self._infer(message, timeout=30)
            code = "OK"
        except grpc.RpcError as error:
            code = error.code().name
            self._check(code in CODES, f"gRPC {code}, {str(error.details())[:60]}", message, error)
            self._check(len(error.details() or "") < LONGEST_ERROR, "an error is too long, gRPC", message, error)
        self.answers[f"gRPC {code}"] += 1
        return code


def _says_why(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except ValueError:
        return False
    return isinstance(content, dict) and list(content) == ["error"] and bool(content["error"])


def open_files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_a_hostile_client_gets_answers_and_nothing_else(server: Server, sdk: str, facts: dict[str, Any]) -> None:
    attack = Attack(server, sdk, facts, seed=0)
    attack.ask_all_rightly()
    attack.run(REQUESTS // 2)
    memory, files = server.memory(), open_files(server)
    attack.run(REQUESTS - REQUESTS // 2)
    attack.ask_all_rightly()
    attack.finish()
    print(sdk, dict(sorted(attack.answers.items())))
    assert attack.problems == {}
    time.sleep(1)  # for the server to notice that the client is gone
    assert open_files(server) <= files
    assert server.memory() < memory + 30_000_000
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    assert "Traceback" not in server.log
