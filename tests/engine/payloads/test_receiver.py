"""The receiver as a process: events go in as KServe's logger posts them, and files come out.

The headers are those of pkg/logger/worker.go in KServe 0.21, in the binary form of CloudEvents' SDK for Go.
"""

from __future__ import annotations

import gzip
import http.client
import http.server
import importlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _engine.serving.testing import free_port

payloads = importlib.import_module("_engine.payloads.__main__")  # which mypy cannot find: see conftest.py
SKELETON = Path(__file__).parents[3] / "{{cookiecutter.framework_nm}}"
#: The command, of the two parts of the engine that a project has in one folder.
PROGRAM = f"""
import runpy, sys
sys.path.insert(0, {str(SKELETON / "{{cookiecutter.framework_nm}}server")!r})
import _engine
_engine.__path__.append({str(SKELETON / "variants" / "sdks" / "kserve" / "_engine")!r})
runpy.run_module("_engine.payloads", run_name="__main__", alter_sys=True)
"""
SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"
COLUMNS = ["length", "kind"]


class Receiver:
    """One that runs, with some options."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        command = [sys.executable, "-c", PROGRAM, f"--folder={folder}", f"--port={self.port}", *options]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while True:
            try:
                assert self.ask("GET", "/healthz", {}, b"")[0] == 200
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def post(self, kind: str, identifier: str, body: Any, version: str = "0002", **metadata: str) -> int:
        """Post an event; `metadata` are headers of the client's request, with _ for -."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {name.replace("_", "-"): [value] for name, value in metadata.items()}
        headers = {
            "Ce-Specversion": "1.0",
            "Ce-Id": identifier,
            "Ce-Type": f"org.kubeflow.serving.inference.{kind}",
            "Ce-Source": "churn-predictor-6d5f-x",
            "Ce-Time": "2026-01-31T12:00:00.123456789Z",
            "Ce-Recordedtime": "2026-01-31T12:00:00.2Z",
            "Ce-Inferenceservicename": "churn",
            "Ce-Namespace": "test",
            "Ce-Component": "predictor",
            "Ce-Endpoint": "",
            "Ce-Metadata": json.dumps(said),
            "Ce-Annotations": urllib.parse.quote(json.dumps({SOURCE: f"s3://user:pw@models/churn/{version}/?sig=S"})),
            "Content-Type": "application/json",
        }
        return self.ask("POST", "/", headers, content)[0]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self._process.send_signal(how)
        self.log = self._process.communicate(timeout=30)[1]
        return self._process.returncode

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def receivers() -> Iterator[list[Receiver]]:
    """Those that a test started; they end with it."""
    started: list[Receiver] = []
    yield started
    for receiver in started:
        receiver.kill()


@pytest.fixture
def model() -> Iterator[str]:
    """The URL of a model's metadata, which names two columns."""

    class Metadata(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            inputs = [{"name": "input-0", "datatype": "FP64", "shape": [-1, 2], "parameters": {"columns": COLUMNS}}]
            content = json.dumps({"name": "churn", "inputs": inputs}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v2/models/churn"
    server.shutdown()
    thread.join()
    server.server_close()


def rows(folder: Path) -> list[dict[str, Any]]:
    """All rows of finished files."""
    found = []
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("."):
            assert path.name.endswith(".jsonl.gz")
            found += [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return found


def columns_of(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("logged_")}


def binary(values: Any, texts: list[str]) -> tuple[bytes, int]:
    """A V2 request of two columns in binary tensors, and the size of its JSON."""
    raw = [np.array(values).tobytes(), b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts)]
    tensors = [
        {"name": name, "datatype": kind, "shape": [len(texts)], "parameters": {"binary_data_size": len(part)}}
        for name, kind, part in zip(COLUMNS, ("FP64", "BYTES"), raw)
    ]
    text = json.dumps({"inputs": tensors}).encode()
    return b"".join([text, *raw]), len(text)


EXPECTED = [{"length": 1.5, "kind": "a"}, {"length": 2.0, "kind": "b"}]
LISTS = [[1.5, "a"], [2.0, "b"]]
BINARY, SIZE = binary([1.5, 2.0], ["a", "b"])
FORMS: dict[str, tuple[Any, dict[str, str]]] = {
    "objects": ({"instances": EXPECTED}, {}),
    "lists": ({"instances": LISTS}, {}),
    "a tensor for each column": (
        {
            "inputs": [
                {"name": "length", "datatype": "FP64", "shape": [2, 1], "data": [1.5, 2.0]},
                {"name": "kind", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
            ]
        },
        {},
    ),
    "binary tensors": (BINARY, {"Inference_Header_Content_Length": str(SIZE)}),
    "MLflow's": ({"dataframe_split": {"columns": COLUMNS, "data": LISTS}}, {}),
    "gzip": (gzip.compress(json.dumps({"instances": LISTS}).encode()), {}),
}
RAW = np.array([7.0, 8.0], "<f4").tobytes()
TENSOR = {"name": "predict", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": len(RAW)}}
ANSWERS: dict[str, tuple[Any, list[Any]]] = {
    "V1": ({"predictions": ["no", "yes"]}, ["no", "yes"]),
    "V2": (
        {"outputs": [{"name": "p", "datatype": "FP64", "shape": [2, 2], "data": [0.5, 0.5, 1, 0]}]},
        [[0.5, 0.5], [1.0, 0.0]],
    ),
    "two outputs": (
        {
            "outputs": [
                {"name": "p", "datatype": "INT64", "shape": [2], "data": [0, 1]},
                {"name": "q", "datatype": "BYTES", "shape": [2], "data": ["no", "yes"]},
            ]
        },
        [{"p": 0, "q": "no"}, {"p": 1, "q": "yes"}],
    ),
    "binary": (json.dumps({"id": "é", "outputs": [TENSOR]}, ensure_ascii=False).encode() + RAW, [7.0, 8.0]),
    "something else": (b"7\n8\n", [None, None]),
}


def test_rows_have_their_columns_and_their_answers_whatever_form_they_came_in(
    tmp_path: Path, model: str, receivers: list[Receiver]
) -> None:
    """Each form of a request with each form of an answer, whichever event arrives first."""
    receivers += [receiver := Receiver(tmp_path, f"--model_url={model}")]
    tried = [(form, answer, first) for form in FORMS for answer in ANSWERS for first in ("request", "response")]
    for form, answer, first in tried:
        halves = [("request", *FORMS[form]), ("response", ANSWERS[answer][0], FORMS[form][1])]
        for kind, body, metadata in halves if first == "request" else halves[::-1]:
            assert receiver.post(kind, f"{form}, {answer}, {first}", body, **metadata) == 200
    receiver.end()
    found = rows(tmp_path)
    assert len(found) == 2 * len(tried)
    for at, (form, answer, first) in enumerate(tried):
        for index, row in enumerate(found[2 * at : 2 * at + 2]):
            assert columns_of(row) == EXPECTED[index]
            assert row["logged_id"] == f"{form}, {answer}, {first}"
            assert row["logged_row"] == index and row["logged_answer"] == ANSWERS[answer][1][index]
            assert row["logged_time"] == "2026-01-31T12:00:00.123456789Z" and row["logged_version"] == "0002"
    assert not any(word in json.dumps(found) for word in ("pw", "sig"))


def test_a_request_is_called_what_its_client_calls_it(tmp_path: Path, receivers: list[Receiver]) -> None:
    receivers += [receiver := Receiver(tmp_path)]
    for kind, body in [("request", {"instances": EXPECTED}), ("response", {"predictions": [0, 1]})]:
        receiver.post(kind, "1f0c", body, X_Request_Id="order-17")
    receiver.end()
    assert [row["logged_id"] for row in rows(tmp_path)] == ["order-17"] * 2


def test_rows_of_a_model_that_cannot_be_asked_are_kept_as_they_came(tmp_path: Path, receivers: list[Receiver]) -> None:
    receivers += [receiver := Receiver(tmp_path, "--model_url=http://127.0.0.1:9/v2/models/m")]
    receiver.post("request", "1", {"instances": LISTS})
    receiver.post("request", "2", {"instances": EXPECTED})
    receiver.end()
    found = rows(tmp_path)
    assert [row["logged_values"] for row in found[:2]] == LISTS
    assert [columns_of(row) for row in found[2:]] == EXPECTED
    assert receiver.log.count("are not known") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\x1f\x8bno",
        b'{"inputs": [{"name": 1, "datatype": "other"}]}',
        b'{"instances": []}',
        b"[" * 5000,
        BINARY[:-3],
    ],
)
def test_what_has_no_rows_is_passed_over(tmp_path: Path, receivers: list[Receiver], body: bytes) -> None:
    """Questions for metadata are logged, too, and requests that the server refused."""
    receivers += [receiver := Receiver(tmp_path)]
    assert receiver.post("request", "1", body, Inference_Header_Content_Length=str(SIZE)) == 200
    receiver.post("response", "1", {"predictions": [1]})
    receiver.post("request", "2", {"instances": EXPECTED})
    receiver.end()
    assert [row["logged_id"] for row in rows(tmp_path)] == ["2", "2"]


def test_a_sample_has_requests_and_their_answers_alike(tmp_path: Path, receivers: list[Receiver]) -> None:
    receivers += [receiver := Receiver(tmp_path, "--share=0.3")]
    for number in range(200):
        for kind, body in [("request", {"instances": EXPECTED[:1]}), ("response", {"predictions": [number]})]:
            assert receiver.post(kind, f"request-{number}", body) == 200
    receiver.end()
    found = rows(tmp_path)
    assert 30 < len(found) < 90
    assert all(row["logged_id"] == f"request-{row['logged_answer']}" for row in found)


def test_memory_is_bounded_and_what_is_too_much_is_refused(tmp_path: Path, receivers: list[Receiver]) -> None:
    """A body that is too large is not taken in; of those that wait for answers, the oldest are written without."""
    receivers += [receiver := Receiver(tmp_path, "--largest_mib=0.001", "--waiting_mib=0.002")]
    large = {"instances": [{"text": "a" * 1000}]}
    assert receiver.post("request", "large", {"instances": [{"text": "a" * 2000}]}) == 413
    for number in range(10):
        assert receiver.post("request", str(number), large) == 200
        time.sleep(0.05)  # what was taken in is with those that wait by then
    receiver.post("response", "9", {"predictions": [9]})
    receiver.post("response", "0", {"predictions": [0]})
    receiver.end()
    assert {row["logged_id"]: row["logged_answer"] for row in rows(tmp_path)} == {
        **{str(number): None for number in range(9)},
        "9": 9,
    }


def test_an_answer_that_does_not_come_is_waited_for_so_long_and_files_so_long(
    tmp_path: Path, receivers: list[Receiver]
) -> None:
    receivers += [receiver := Receiver(tmp_path, "--answer_seconds=1", "--file_seconds=1")]
    receiver.post("request", "1", {"instances": EXPECTED})
    deadline = time.monotonic() + 30
    while not rows(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [row["logged_answer"] for row in rows(tmp_path)] == [None, None]


def test_what_a_killed_receiver_wrote_is_there_after_the_next_start(tmp_path: Path, receivers: list[Receiver]) -> None:
    receivers += [receiver := Receiver(tmp_path)]
    for number in range(3000):
        receiver.post("request", str(number), {"instances": [{"value": number}]})
        receiver.post("response", str(number), {"predictions": [number]})
    deadline = time.monotonic() + 30
    while not any(path.stat().st_size > 1000 for path in tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    receiver.end(signal.SIGKILL)
    assert rows(tmp_path) == []
    receivers += [again := Receiver(tmp_path)]
    again.post("request", "last", {"instances": EXPECTED})
    again.end()
    found = rows(tmp_path)
    assert [row["logged_id"] for row in found[-2:]] == ["last"] * 2
    before = [row["value"] for row in found[:-2]]
    assert before == list(range(len(before))) and before
    assert all(path.name.endswith(".jsonl.gz") for path in tmp_path.iterdir())


def test_what_is_no_event_is_refused_with_what_was_expected(tmp_path: Path, receivers: list[Receiver]) -> None:
    receivers += [receiver := Receiver(tmp_path)]
    for headers in ({}, {"Ce-Id": "1"}, {"Ce-Id": "1", "Ce-Type": "other"}, {"Ce-Type": "inference.request"}):
        status, said = receiver.ask("POST", "/", headers, b"{}")
        assert status == 400 and "expected an event of KServe's logger" in said
    assert receiver.ask("PUT", "/", {}, b"")[0] == 405
    assert receiver.ask("GET", "/other", {}, b"")[0] == 405
    receiver.end()
    assert list(tmp_path.iterdir()) == []


def test_options_that_do_not_fit_are_all_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is received, with a sentence each; among them a volume that nothing can be written to."""
    (tmp_path / "file").touch()
    given = ["--port=80808", "--share=2", "--keep_mib=0", "--waiting_mib=nan", "--file_seconds=inf", "--model_url=m"]
    with pytest.raises(SystemExit) as exit:
        payloads.main([f"--folder={tmp_path / 'file' / 'within'}", *given])
    assert exit.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "payloads: error: --port: expected a number from 1 to 65535, got 80808",
        "payloads: error: --share: expected a number from 0 to 1, got 2.0",
        "payloads: error: --waiting_mib: expected a number from 0.001 to 1000000, got nan",
        "payloads: error: --file_seconds: expected a number from 0.001 to 1000000, got inf",
        "payloads: error: --keep_mib: expected a number from 0.001 to 1000000, got 0.0",
        "payloads: error: --model_url: expected an address such as http://HOST/v2/models/NAME, got m",
        f"payloads: error: --folder: nothing can be written to {tmp_path / 'file' / 'within'}: Not a directory",
    ]
