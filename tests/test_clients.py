"""Clients of other people, as they come, against the server of an installed project.

Whatever they speak, each answer is that of the model in process, bit for bit: in V1 and V2, in JSON and binary, over
gRPC in both of its forms. What a server does besides predicting is not tested here.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import gzip
import http.client
import io
import itertools
import json
import os
import shutil
import socket
import subprocess
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import kserve
import numpy as np
import pytest
import tritonclient.http
from backports import zstd
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.protocol.infer_type import RequestedOutput
from running import Server, shell
from triton_client import Answer, Refused, Tensors, process

pytestmark = pytest.mark.slow

MODELS = ["numbers", "labels", "prices"]
CLIENTS = Path(__file__).parent / "clients"
#: Largest request of the servers here. Answers are larger than that, and than what gRPC sends unless it is told to.
LARGEST = 2_000_000
#: Numbers that every datatype holds, signed, unsigned or of half precision.
NUMBERS = [[5, 3, 1, 0], [6, 3, 4, 1], [7, 3, 6, 2], [6, 2, 5, 2], [5, 3, 2, 0]]
NUMERIC = {
    f"{protocol}{bits}": np.dtype(f"{name}{bits}")
    for protocol, name, sizes in (
        ("FP", "float", (16, 32, 64)),
        ("INT", "int", (8, 16, 32, 64)),
        ("UINT", "uint", (8, 16, 32, 64)),
    )
    for bits in sizes
}
COLUMNS = {"age": "FP64", "spend": "FP64", "plan": "BYTES", "city": "BYTES", "active": "BOOL"}
ROWS: list[dict[str, Any]] = [
    {"age": age, "spend": 10.1 * number, "plan": plan, "city": city, "active": active}
    for number, (age, plan, city, active) in enumerate(
        [
            (31.5, "basic", "München", True),
            (None, "pro", "São Paulo", False),
            (64, "pro", "東京", True),
            (18, "basic", "", False),
            (None, "never seen", "x" * 300, True),
        ]
    )
]
CUSTOMERS = "\n".join(
    ["age,spend,plan,city,active,churned"]
    + [
        f"{'' if i % 5 == 0 else 18 + i},{i * 3.7 % 100:.2f},{'basic' if i % 3 else 'pro'},"
        f"{('München', 'São Paulo', '', '東京')[i % 4]},{i % 2 == 0},{'não' if i % 7 < 3 else 'sim'}"
        for i in range(80)
    ]
)
#: What the project's own class answers, asked without a server.
IN_PROCESS = """
import json, sys
import numpy as np
import pandas as pd
from pathlib import Path
from sklearnserver.trainer.model import MyModel
folder = Path(sys.argv[1])
answers = {}
for name, rows in json.loads((folder / "rows.json").read_text()).items():
    model = MyModel(dirpath=folder / "models" / name / "0001", runtime="auto")
    X = pd.DataFrame(rows) if isinstance(rows[0], dict) else np.array(rows)
    outputs = ["predict"] + ["predict_proba"] * model.has_proba
    answers[name] = {output: model.predict(X, output == "predict_proba").tolist() for output in outputs}
numbers = MyModel(dirpath=folder / "models/numbers/0001", runtime="auto")
np.save(folder / "many.npy", numbers.predict(np.load(folder / "many_rows.npy").astype(float), True))
print(json.dumps(answers))
"""
#: So many rows of small numbers that their probabilities are more than 8 MB, which KServe sends at most, and more than
#: LARGEST, while they themselves are less.
MANY = np.tile(np.array(NUMBERS, dtype=np.int8), (80_000, 1))


@dataclass
class Served:
    """A running server, and what its models answer: by model and output for NUMBERS or ROWS; probabilities of MANY."""

    server: Server
    expected: dict[str, dict[str, list[Any]]]
    many: np.ndarray


@pytest.fixture(scope="module")
def serve(
    install: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Served]]:
    """Serve three models on an SDK: numbers, the sample; labels and prices, learnt from text and missing values."""
    running: dict[str, Served] = {}

    def serve(sdk: str) -> Served:
        if sdk not in running:
            project, folder = install("sklearn", sdk), tmp_path_factory.mktemp(sdk)
            shutil.copytree(project / "sklearnserver/example_models/0001", folder / "models/numbers/0001")
            (folder / "customers.csv").write_text(CUSTOMERS)
            train = ".venv/bin/python -m sklearnserver.trainer --allow_useless --data"
            for name, target in (("labels", "churned"), ("prices", "spend")):
                (folder / "models" / name).mkdir()
                shell(project, f"{train} {folder}/customers.csv --target {target} --output_dir {folder}/models/{name}")
            prices = [{"churned": "sim", **{k: v for k, v in row.items() if k != "spend"}} for row in ROWS]
            (folder / "rows.json").write_text(json.dumps({"numbers": NUMBERS, "labels": ROWS, "prices": prices}))
            np.save(folder / "many_rows.npy", MANY)
            (folder / "ask.py").write_text(IN_PROCESS)
            expected = json.loads(shell(project, f".venv/bin/python {folder}/ask.py {folder}", PYTHONPATH=str(project)))
            server = Server(
                project, f"--max_buffer_size={LARGEST}", MODEL_NAME="numbers", MODEL_DIR=str(folder / "models")
            )
            running[sdk] = Served(server.__enter__(), expected, np.load(folder / "many.npy"))
        return running[sdk]

    yield serve
    for served in running.values():
        served.server.__exit__()


@pytest.fixture
def on_kserve(serve: Callable[[str], Served]) -> Served:
    return serve("kserve")


@pytest.fixture(params=SDKS)
def on_any(serve: Callable[[str], Served], request: pytest.FixtureRequest) -> Served:
    return serve(request.param)


def needed(program: str) -> str:
    """Find a client's program; without it its test is skipped, except under CI."""
    if not shutil.which(program) and not os.environ.get("CI"):
        pytest.skip(f"there is no {program}")
    assert shutil.which(program), f"there is no {program}, which .ci/run installs"
    return program


def arrays(model: str) -> Tensors:
    """The rows as tensors by name, each with its datatype."""
    if model == "numbers":
        return {"input-0": (np.array(NUMBERS, dtype=np.float64), "FP64")}
    dtypes = {"FP64": np.float64, "BYTES": np.object_, "BOOL": np.bool_}
    found: Tensors = {
        name: (np.array([row[name] for row in ROWS], dtypes[kind]), kind) for name, kind in COLUMNS.items()
    }
    if model == "prices":
        found["churned"] = (np.array(["sim"] * len(ROWS), np.object_), "BYTES")
        del found["spend"]
    return found


def plain(array: np.ndarray) -> Any:
    """An answered array as lists, its text as str."""
    values = [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
    return np.array(values, dtype=object).reshape(array.shape).tolist()


# -- Triton's client ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def triton() -> Iterator[Callable[..., Answer]]:
    """Triton's client: what asks takes the arguments of `triton_client.infer`."""
    with process() as ask:
        yield ask


@pytest.fixture(params=["kserve-grpc", "kserve-http", "kfserving-http"])
def ask(
    serve: Callable[[str], Served], triton: Callable[..., Answer], request: pytest.FixtureRequest
) -> tuple[Callable[..., Answer], Served]:
    """Triton's client of each protocol that an SDK has, and the server that it asks."""
    sdk, over = request.param.split("-")
    served = serve(sdk)
    port = served.server.grpc if over == "grpc" else served.server.http
    return functools.partial(triton, over, port), served


@pytest.mark.parametrize("model", MODELS)
def test_triton_reads_every_output(ask: tuple[Callable[..., Answer], Served], model: str) -> None:
    """Labels of numbers and of text, numbers and probabilities; by default, by name, and several at once."""
    infer, served = ask
    expected = served.expected[model]
    assert plain(infer(model, arrays(model)).arrays["predict"]) == expected["predict"]
    for names in [[name] for name in expected] + [list(reversed(expected))]:
        answer = infer(model, arrays(model), names)
        for name in names:
            assert plain(answer.arrays[name]) == expected[name]


@pytest.mark.parametrize("datatype", NUMERIC)
def test_triton_sends_numbers_of_every_datatype(ask: tuple[Callable[..., Answer], Served], datatype: str) -> None:
    infer, served = ask
    answer = infer("numbers", {"input-0": (np.array(NUMBERS, NUMERIC[datatype]), datatype)})
    assert plain(answer.arrays["predict"]) == served.expected["numbers"]["predict"]


@pytest.mark.parametrize("binary", list(itertools.product([False, True], repeat=2)), ids=str)
def test_triton_chooses_json_or_binary_for_each_tensor(
    on_any: Served, triton: Callable[..., Answer], binary: tuple[bool, bool]
) -> None:
    for model in MODELS:
        tensors = arrays(model)
        tensors.pop("age", None)  # JSON has no NaN; a column with missing values may be left out
        arguments = ("http", on_any.server.http, model, tensors, list(on_any.expected[model]))
        answer, otherwise = triton(*arguments, binary), triton(*arguments)
        assert answer.in_json == (set() if binary[1] else answer.arrays.keys())
        for name, values in answer.arrays.items():
            assert plain(values) == plain(otherwise.arrays[name])


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({"input-0": (np.zeros((0, 4)), "FP64")}, "expected 'input-0' FP64 [-1, 4]"),
        ({"input-0": (np.zeros((1, 3)), "FP64")}, "has shape [1, 3]"),
        ({"input-0": (np.full((1, 4), np.inf), "FP64")}, "row 0, column"),
        ({"input-0": (np.full((1, 4), np.nan), "FP64")}, "row 0, column"),
        ({"input-0": (np.array([["a"] * 4], np.object_), "BYTES")}, "got BYTES"),
        # All of it would not fit in gRPC's metadata, which is where its messages travel.
        ({"é€😀" * 1000: (np.zeros(1), "FP64"), "b": (np.zeros(1), "FP64")}, "é€😀é€😀"),
    ],
    ids=["no-rows", "width", "infinite", "missing", "text", "long-name"],
)
def test_triton_is_told_what_is_wrong(
    ask: tuple[Callable[..., Answer], Served], tensors: Tensors, complaint: str
) -> None:
    infer, _ = ask
    with pytest.raises(Refused) as error:
        infer("numbers", tensors)
    assert error.value.status in ("400", "StatusCode.INVALID_ARGUMENT")
    assert complaint in error.value.message


# -- KServe's clients, and gRPC's messages as they are ----------------------------------------------------------------


def kserve_request(model: str, raw: bool) -> kserve.InferRequest:
    inputs = []
    for name, (values, datatype) in arrays(model).items():
        inputs.append(kserve.InferInput(name, list(values.shape), datatype))
        inputs[-1].set_data_from_numpy(values, binary_data=raw)
    return kserve.InferRequest(model, inputs, parameters={"binary_data_output": raw})


def over_grpc(server: Server, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
    """Ask with a client that takes answers of any size."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}", options) as channel:
        answer: pb.ModelInferResponse = GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=60)
    return answer


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("model", MODELS)
def test_a_grpc_request_is_answered_in_its_own_form(on_kserve: Served, model: str, raw: bool) -> None:
    request = kserve_request(model, raw)
    request.request_outputs = [RequestedOutput(name) for name in on_kserve.expected[model]]
    answer = over_grpc(on_kserve.server, request.to_grpc())
    assert len(answer.raw_output_contents) == (len(answer.outputs) if raw else 0)
    assert all(output.HasField("contents") is not raw for output in answer.outputs)
    for output in kserve.InferResponse.from_grpc(answer).outputs:
        assert plain(output.as_numpy()) == on_kserve.expected[model][output.name]


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("model", MODELS)
def test_kserves_clients_read_every_answer(on_kserve: Served, model: str, raw: bool) -> None:
    async def ask() -> list[kserve.InferResponse]:
        rest = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2"))
        async with kserve.InferenceGRPCClient(f"127.0.0.1:{on_kserve.server.grpc}") as client:
            answers = [await client.infer(kserve_request(model, raw))]
        if raw or model == "numbers":  # JSON has no NaN
            answers.append(await rest.infer(on_kserve.server.address, kserve_request(model, raw), model_name=model))
        await rest.close()
        return answers

    for answer in asyncio.run(ask()):
        assert plain(answer.outputs[0].as_numpy()) == on_kserve.expected[model]["predict"]


@pytest.mark.parametrize("datatype", [name for name in NUMERIC if name != "FP16"])
def test_typed_numbers_of_every_datatype_are_read(on_kserve: Served, datatype: str) -> None:
    """And nothing else that is there: contents of another datatype, or what a later protocol has. FP16 is not typed."""
    item = kserve.InferInput("input-0", [len(NUMBERS), 4], datatype, [value for row in NUMBERS for value in row])
    request = kserve.InferRequest("numbers", [item]).to_grpc()
    contents = request.inputs[0].contents
    contents.bytes_contents.append(b"12345678")
    contents.MergeFromString(b"\xfa\x01\x08" + b"12345678")  # field 31
    answer = over_grpc(on_kserve.server, request)
    assert list(answer.outputs[0].contents.int64_contents) == on_kserve.expected["numbers"]["predict"]


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "complaint"),
    [
        ("FP64", [1, 4], b"1234567", "7 bytes are not a whole number of FP64 values"),
        ("FP64", [2, 4], bytes(32), "shape [2, 4] does not hold 4 values"),
        ("FP64", [0, 4], b"", "has shape [0, 4]"),
        ("BYTES", [1], b"\x02\0\0\0a", "end in the middle of string 0"),
        ("BYTES", [1], b"\x02\0", "end in the middle of string 0"),
        ("BYTES", [1], b"\x01\0\0\0\xff", "expected UTF-8 text"),
        ("INT8", [1, 4], None, "300 out of bounds for int8"),
        ("FP16", [1, 4], None, "FP16 has no typed contents: send raw_input_contents"),
    ],
)
def test_grpc_contents_that_do_not_fit_are_an_invalid_argument(
    on_kserve: Served, datatype: str, shape: list[int], raw: bytes | None, complaint: str
) -> None:
    request = pb.ModelInferRequest(model_name="numbers")
    tensor = request.inputs.add(name="input-0", datatype=datatype, shape=shape)
    if raw is None:  # INT8 travels as 32 bits
        tensor.contents.int_contents.extend([1, 2, 3, 300])
    else:
        request.raw_input_contents.append(raw)
    with pytest.raises(grpc.RpcError) as error:
        over_grpc(on_kserve.server, request)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert complaint in error.value.details()


# -- answers that are larger than requests ---------------------------------------------------------------------------


def counted(server: Server, status: str) -> float:
    """Requests to the model `numbers` over gRPC that were counted under a status."""
    metrics = server.client.get("/metrics").text
    line = f'inference_requests_total{{model_name="numbers",protocol="grpc",status="{status}"}} '
    return sum(float(found.removeprefix(line)) for found in metrics.splitlines() if found.startswith(line))


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
def test_grpc_sends_answers_that_are_larger_than_any_request(on_kserve: Served, raw: bool) -> None:
    request = pb.ModelInferRequest(model_name="numbers", outputs=[{"name": "predict_proba"}])
    tensor = request.inputs.add(name="input-0", datatype="INT8", shape=MANY.shape)
    if raw:
        request.raw_input_contents.append(MANY.tobytes())
    else:
        tensor.contents.int_contents.extend(MANY.ravel().tolist())
    (output,) = kserve.InferResponse.from_grpc(over_grpc(on_kserve.server, request)).outputs
    np.testing.assert_allclose(output.as_numpy(), on_kserve.many, rtol=1e-5)
    assert on_kserve.many.nbytes > 8 * 2**20


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_rest_sends_answers_that_are_larger_than_any_request(
    on_any: Served, triton: Callable[..., Answer], binary: bool
) -> None:
    arguments = ("numbers", {"input-0": (MANY, "INT8")}, ["predict_proba"], (True, binary))
    answer = triton("http", on_any.server.http, *arguments)
    np.testing.assert_allclose(answer.arrays["predict_proba"], on_any.many, rtol=1e-5)


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_triton_compresses_both_ways(ask: tuple[Callable[..., Answer], Served], compression: str) -> None:
    infer, served = ask
    answer = infer("numbers", {"input-0": (MANY, "INT8")}, ["predict_proba"], None, compression)
    np.testing.assert_allclose(answer.arrays["predict_proba"], served.many, rtol=1e-5)


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_triton_compresses_json(on_any: Served, triton: Callable[..., Answer], compression: str) -> None:
    """In which numbers get smaller."""
    arguments = ("numbers", {"input-0": (MANY, "INT8")}, ["predict_proba"], (True, False), compression)
    answer = triton("http", on_any.server.http, *arguments)
    np.testing.assert_allclose(answer.arrays["predict_proba"], on_any.many, rtol=1e-5)


def test_a_grpc_answer_that_cannot_be_sent_is_counted_as_refused(install: Callable[[str, str], Path]) -> None:
    """Where the server is told to send less; the client reads why."""
    with Server(install("sklearn", "kserve"), "--grpc_max_send_message_length=1000", MODEL_NAME="numbers") as server:
        item = kserve.InferInput("input-0", [1000, 4], "FP64", [1.0] * 4000)
        with pytest.raises(grpc.RpcError) as error:
            over_grpc(server, kserve.InferRequest("numbers", [item]).to_grpc())
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "send fewer rows" in error.value.details()
        assert (counted(server, "OK"), counted(server, "INVALID_ARGUMENT")) == (0, 1)


# -- HTTP as others send it ------------------------------------------------------------------------------------------


@dataclass
class Question:
    """A request in HTTP: where to, its body, and the size of its JSON where binary tensors follow."""

    model: str
    url: str
    body: Path
    json_size: str

    def check(self, served: Served, status: str, json_size: str, answer: bytes) -> None:
        expected = served.expected[self.model]
        assert status == "200", answer
        if not self.json_size:
            assert json.loads(answer) == {"predictions": expected["predict"]}
            return
        result = tritonclient.http.InferResult.from_response_body(answer, header_length=int(json_size))
        for name, values in expected.items():
            assert plain(result.as_numpy(name)) == values


def questions(served: Served, folder: Path) -> list[Question]:
    """Rows in JSON and tensors in binary, of each model."""
    found = []
    rows: dict[str, list[Any]] = {"numbers": NUMBERS, "labels": ROWS}
    for model, instances in rows.items():
        body = folder / f"{model}.json"
        body.write_text(json.dumps({"instances": instances}))
        found.append(Question(model, f"{served.server.address}/v1/models/{model}:predict", body, ""))
        inputs = []
        for name, (values, datatype) in arrays(model).items():
            inputs.append(tritonclient.http.InferInput(name, list(values.shape), datatype))
            inputs[-1].set_data_from_numpy(values)
        outputs = [tritonclient.http.InferRequestedOutput(name) for name in served.expected[model]]
        content, size = tritonclient.http.InferenceServerClient.generate_request_body(inputs, outputs)
        body = folder / f"{model}.bin"
        body.write_bytes(content)
        found.append(Question(model, f"{served.server.address}/v2/models/{model}/infer", body, str(size)))
    return found


@pytest.mark.parametrize(
    ("program", "command"), [("node", ["node", "ask.mjs"]), ("javac", ["java", "Ask.java"])], ids=["node", "java"]
)
def test_clients_of_other_languages_are_answered(
    on_any: Served, tmp_path: Path, program: str, command: list[str]
) -> None:
    """Whole, chunked, compressed, on a new connection and a used one, asking first or not, offering HTTP/2 or not."""
    needed(program)
    asked = questions(on_any, tmp_path)
    arguments = [part for question in asked for part in (question.url, str(question.body), question.json_size)]
    run = subprocess.run([*command, *arguments], cwd=CLIENTS, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    answers = run.stdout.splitlines()
    assert len(answers) == 6 * len(asked)
    for number, line in enumerate(answers):
        status, size, answer = line.split(" ")
        asked[number // 6].check(on_any, status, size, base64.b64decode(answer))


@pytest.mark.parametrize(
    "options",
    [
        ["--http1.1"],
        ["--http1.0"],
        ["--http2"],
        ["--http2", "--header", "Transfer-Encoding: chunked"],
        ["--http2", "--header", "Expect: 100-continue"],
    ],
    ids=" ".join,
)
def test_curl_is_answered(on_any: Served, tmp_path: Path, options: list[str]) -> None:
    """Twice on one connection."""
    needed("curl")
    for question in questions(on_any, tmp_path):
        one = ["-sS", "--include", "--data-binary", f"@{question.body}", *options]
        if question.json_size:
            one += ["--header", f"Inference-Header-Content-Length: {question.json_size}"]
        command = ["curl", *one, question.url, "--next", *one, question.url]
        run = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert run.returncode == 0, run.stderr
        answers = read_answers(run.stdout)
        assert len(answers) == 2
        for answer in answers:
            size = answer.headers.get("Inference-Header-Content-Length", "")
            question.check(on_any, str(answer.status), size, answer.body)


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("coding", COMPRESSED)
def test_curl_and_python_compress_both_ways(on_any: Served, tmp_path: Path, coding: str) -> None:
    """Python's client says by itself what it reads, and curl where it is told to."""
    needed("curl")
    rows = json.dumps({"instances": NUMBERS * 2000}).encode()
    body = tmp_path / "body"
    body.write_bytes(COMPRESSED[coding](rows))
    url = f"{on_any.server.address}/v1/models/numbers:predict"
    sent = ["-H", f"Content-Encoding: {coding}", "--data-binary", f"@{body}", url]
    options = ["-sS", "--compressed", "-w", "%{stderr}%{size_download}"]
    run = subprocess.run(["curl", *options, *sent], capture_output=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    expected = {"predictions": on_any.expected["numbers"]["predict"] * 2000}
    assert json.loads(run.stdout) == expected
    assert int(run.stderr) < len(run.stdout) / 5
    answer = on_any.server.client.post(url, content=body.read_bytes(), headers={"Content-Encoding": coding})
    assert answer.json() == expected
    assert answer.headers["content-encoding"] in on_any.server.client.headers["accept-encoding"]
    assert int(answer.headers["content-length"]) < len(run.stdout) / 5


class HttpAnswer(NamedTuple):
    """An answer as a client reads it."""

    status: int
    headers: Message
    body: bytes


class _Stream(io.BytesIO):
    """What http.client reads several answers from, one after another."""

    def makefile(self, mode: str) -> _Stream:
        return self

    def close(self) -> None:
        """There may be another answer in it."""


def read_answers(received: bytes) -> list[HttpAnswer]:
    """Read all answers of a connection, in their order."""
    stream, found = _Stream(received), []
    while stream.tell() < len(received):
        response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]
        response.begin()
        found.append(HttpAnswer(response.status, response.headers, response.read()))
    return found


class Connection:
    """A connection whose bytes are sent as they are given."""

    def __init__(self, served: Served) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.server.http), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *segments: bytes) -> None:
        for segment in segments:
            self.socket.sendall(segment)

    def answers(self) -> list[HttpAnswer]:
        """Read until the server closes the connection."""
        with self.socket:
            return read_answers(b"".join(iter(lambda: self.socket.recv(65536), b"")))


BODY = json.dumps({"instances": NUMBERS}).encode()
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


def post(headers: bytes = b"", body: bytes = BODY) -> bytes:
    """A prediction's request; `headers` are whole lines."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /v1/models/numbers:predict HTTP/1.1\r\nHost: h\r\n" + headers + length + b"\r\n" + body


def get(headers: bytes = b"", path: bytes = b"/v1/models/numbers") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n"


LAST = b"Connection: close\r\n"
CHUNKED = (
    b"POST /v1/models/numbers:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    + OFFER
    + b"\r\n5\r\n"
    + BODY[:5]
    + b"\r\n%x\r\n" % len(BODY[5:])
    + BODY[5:]
    + b"\r\n0\r\n\r\n"
)
SPELLINGS = {
    "as Java": OFFER,
    "capitals": OFFER.upper().replace(b"AAMAAABKAAQAAP__", b"AAMAAABkAAQAAP__"),
    "small": OFFER.lower(),
    "upgrade first": b"Upgrade: h2c\r\nConnection: HTTP2-Settings,Upgrade\r\nHTTP2-Settings: AA\r\n",
    "two lines": b"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n",
    "other protocols": b"Connection: Upgrade\r\nUpgrade: TLS/1.0, h2c\r\n",
    "no Connection": b"Upgrade: h2c\r\n",
    "Connection alone": b"Connection: Upgrade\r\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("split", ["whole", "head and body", "byte by byte"])
def test_an_offered_upgrade_changes_no_answer(on_any: Served, spelling: str, split: str) -> None:
    request = post(SPELLINGS[spelling])
    head = len(request) - len(BODY)
    segments = {
        "whole": [request],
        "head and body": [request[:head], request[head:]],
        "byte by byte": [request[i : i + 1] for i in range(len(request))],
    }
    connection = Connection(on_any)
    connection.send(*segments[split], post(LAST))
    expected = {"predictions": on_any.expected["numbers"]["predict"]}
    assert [(answer.status, json.loads(answer.body)) for answer in connection.answers()] == [(200, expected)] * 2


def test_requests_follow_one_that_offers_an_upgrade(on_any: Served) -> None:
    """On one connection: in one segment, chunked, without a body, and twice the offer."""
    connection = Connection(on_any)
    connection.send(post(OFFER) + CHUNKED + get(OFFER) + post(OFFER) + post() + get() + post(OFFER) + post(LAST))
    answers = connection.answers()
    assert [answer.status for answer in answers] == [200] * 8
    expected = on_any.expected["numbers"]["predict"]
    assert [json.loads(answers[i].body).get("predictions") for i in (0, 1, 3, 4, 6, 7)] == [expected] * 6


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_the_connection_is_closed_where_the_offer_asks_for_it(on_kserve: Served, version: bytes) -> None:
    connection = Connection(on_kserve)
    offer = b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n"
    connection.send(post(offer).replace(b"HTTP/1.1", version))
    (answer,) = connection.answers()
    assert (answer.status, json.loads(answer.body)) == (200, {"predictions": on_kserve.expected["numbers"]["predict"]})


@pytest.mark.parametrize("spelling", [b"100-continue", b"100-Continue"])
def test_a_client_that_asks_first_is_told_to_go_on(on_any: Served, spelling: bytes) -> None:
    """In Java's spelling too, which waits for ever if it is not."""
    connection = Connection(on_any)
    request = post(OFFER + b"Expect: " + spelling + b"\r\n")
    head = len(request) - len(BODY)
    connection.send(request[:head])
    assert connection.socket.recv(65536).startswith(b"HTTP/1.1 100 ")
    connection.send(request[head:], post(LAST))
    assert [answer.status for answer in connection.answers()] == [200, 200]


def test_a_wrong_request_stays_wrong(on_any: Served) -> None:
    """Two lengths are one too many, with or without the offer."""
    for headers in (b"Content-Length: 3\r\n", OFFER + b"Content-Length: 3\r\n"):
        connection = Connection(on_any)
        connection.send(post(headers), get(LAST))
        assert connection.answers()[0].status == 400


def test_an_upgrade_to_a_websocket_is_ignored(on_kserve: Served) -> None:
    """There is none to connect to, and HTTP/1.1 goes on."""
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    connection = Connection(on_kserve)
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + key
    connection.send(get(offer), post(offer), get(LAST))
    assert [answer.status for answer in connection.answers()] == [200, 200, 200]


@pytest.mark.parametrize(("city", "status"), [(None, 200), ("Köln", 200), (7, 400), (True, 400)])
def test_a_cloud_event_in_v2_may_have_missing_text_and_nothing_but_text(
    on_kserve: Served, city: object, status: int
) -> None:
    row = {**ROWS[0], "city": city}
    tensors = [{"name": name, "shape": [1], "datatype": kind, "data": [row[name]]} for name, kind in COLUMNS.items()]
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "test", "ce-specversion": "1.0"}
    response = on_kserve.server.client.post("/v2/models/labels/infer", json={"inputs": tensors}, headers=event)
    assert response.status_code == status, response.text
    if status == 200:
        (output,) = response.json()["outputs"]
        assert output["data"][0] in ("não", "sim")
    else:
        assert "input 'city', row 0, column 'city': expected BYTES" in response.text


def test_a_server_without_httptools_is_uvicorns_other_one(install: Callable[[str, str], Path]) -> None:
    """h11, which uvicorn takes where httptools is not installed, knows what to do with an offered upgrade."""
    start = "from sklearnserver.inferencer.__main__ import main; main()"
    project = install("sklearn", "kserve")
    with Server(
        project, MODEL_NAME="numbers", program=f"import sys; sys.modules['httptools'] = None; {start}"
    ) as server:
        connection = Connection(Served(server, {}, np.empty(0)))
        connection.send(post(OFFER), post(LAST))
        assert [answer.status for answer in connection.answers()] == [200, 200]
