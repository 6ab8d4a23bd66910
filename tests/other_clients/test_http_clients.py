"""HTTP as Node, Java, curl and Python send it, and a CloudEvent."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tritonclient.http
from backports import zstd
from facts import TEMPLATE
from http_answers import read_answers
from needed import needed
from three_models import COLUMNS, NUMBERS, ROWS, Served, arrays, plain

pytestmark = pytest.mark.slow

CLIENTS = TEMPLATE / "tests" / "clients"


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
