"""MODEL_DIR may hold a password or a signature: no log line, no answer, no error and no --help shows one.

KServe's servers run in the template's environment, which has what downloads; KFServing's in an installed project's. The
store is a server on this machine, and there is no other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
from facts import SDKS
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server, free_port

pytestmark = pytest.mark.slow

#: Each as it stands in an address, where some of it has to be encoded.
USER, PASSWORD, SIGNATURE, FRAGMENT = "keyOfUser", "pa55%2Fw0rdOfUser", "S1GNATURE%2Bof%3Durl", "FRAGM3NTofUrl"
SECRET_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "ENVIR0NMENT/secret+key",
    "HF_TOKEN": "hf_T0KENofEnvironment\n",  # as a file with a last line feed, made into a Secret, leaves it
    "127.0.0.1-headers": '{"X-Key": "HEADERofEnvironment"}',
}
#: What no text may hold, in small letters: a part of each that is spelt the same however it is encoded.
SECRETS = ["keyofuser", "w0rdofuser", "s1gnature", "fragm3nt", "envir0nment", "t0kenof", "headerof"]
AFTER = f"?sig={SIGNATURE}&v=1#{FRAGMENT}"

#: Addresses of each kind of store at which there is nothing, for the address of the store on this machine.
NOTHING = {
    "no port": "https://{user}@127.0.0.1:{closed}/iris.tar.gz{after}",
    "not found": "http://{user}@{store}/absent.tar.gz{after}",
    "forbidden": "http://{user}@{store}/forbidden.tar.gz{after}",
    "redirected": "http://{user}@{store}/redirected.tar.gz{after}",
    "s3": "s3://{user}@bucket/iris{after}",
    "s3 with a slash": "s3://key:a/w0rdOfUser@bucket/iris",
    "gs": "gs://{user}@bucket/iris{after}",
    "hf": "hf://{user}@org/iris{after}",
    "hdfs": "hdfs://{user}@host/iris{after}",
    "file": "file:///absent/iris{after}",
    "ftp": "ftp://{user}@host/iris{after}",
    "no scheme": "{user}@host/iris{after}",
    "one slash": "https:/{user}@host/iris{after}",
    "no colon": "s3//{user}@host/iris{after}",
    "slashes only": "//{user}@host/iris{after}",
    "a path": "./absent/iris{after}",
}


def assert_no_secret(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text.lower()] == [], text


class Store:
    """A store of one file; it can be told to refuse it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.refuses = False
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path.startswith("/iris.tar.gz?sig=") and not store.refuses
                status = 200 if found else 403 if "forbidden" in self.path or store.refuses else 404
                if "redirected" in self.path:
                    status = 302
                    self.send_response(status)
                    self.send_header("Location", f"/absent.tar.gz?sig={SIGNATURE}2")
                else:
                    self.send_response(status)
                self.send_header("Content-Type", "application/x-gzip")
                self.end_headers()
                self.wfile.write(store.content if found else b"")

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module", params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(sdk: str, install: Callable[[str, str], Path], bake: Callable[..., Path]) -> Path:
    return bake("sklearn") if sdk == "kserve" else install("sklearn", sdk)


@pytest.fixture(scope="module")
def start(sdk: str, project: Path, store: Store) -> Callable[..., Server]:
    """Start a server of a model at an address, with secrets in its variables."""

    def wrap(python: Path, *command: str) -> list[str | Path]:
        return [sys.executable if sdk == "kserve" else python, *command]

    def start(model_dir: str, *arguments: str) -> Server:
        variables = {
            **SECRET_VARIABLES,
            "MODEL_DIR": model_dir,
            "AWS_ENDPOINT_URL": f"http://{store.address}",
            "S3_MAX_ATTEMPTS": "1",
            "STORAGE_EMULATOR_HOST": f"http://{store.address}",
            "GOOGLE_CLOUD_PROJECT": "project",
            "NO_GCE_CHECK": "true",
            "HF_ENDPOINT": f"http://{store.address}",
            "KSERVE_LOGLEVEL": "DEBUG",
            "KFSERVING_LOGLEVEL": "DEBUG",
        }
        return Server(project, *arguments, wrap=wrap, cwd=project, **variables)

    return start


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Store]:
    archive = tmp_path_factory.mktemp("store") / "iris.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        for path in (project / "sklearnserver" / "example_models" / "0001").iterdir():
            file.add(path, path.name)
    store = Store(archive.read_bytes())
    thread = threading.Thread(target=store.server.serve_forever)
    thread.start()
    yield store
    store.server.shutdown()
    thread.join()
    store.server.server_close()


@pytest.mark.parametrize("address", NOTHING.values(), ids=list(NOTHING))
def test_a_start_that_fails_shows_no_secret(start: Callable[..., Server], store: Store, address: str) -> None:
    user = f"{USER}:{PASSWORD}"
    server = start(address.format(user=user, store=store.address, closed=free_port(), after=AFTER))
    with contextlib.closing(server.client):
        assert server.process.wait(120) == 1
    last = server.log.splitlines()[-1]
    assert "The server cannot start: MODEL_DIR is " in last
    assert ("iris" in last or ".tar.gz" in last) and ("host" in last or "/" in last)  # where it is can be read
    assert "Traceback" not in server.log
    assert_no_secret(server.log)


def test_a_server_shows_no_secret(sdk: str, start: Callable[..., Server], store: Store) -> None:
    """From its start over loading what is there, what is not, and what must not be read, to its end."""
    with start(f"http://{USER}:{PASSWORD}@{store.address}/iris.tar.gz{AFTER}") as server:
        ask = server.client
        answers = [ask.post("/v2/repository/models/m/load"), ask.post("/v2/repository/models/nosuch/load")]
        assert [answer.status_code for answer in answers] == [200, 404]
        assert f"there is no model 'nosuch' in http://...@{store.address}/iris.tar.gz?..." in answers[1].text
        store.refuses = True
        answers.append(ask.post("/v2/repository/models/m/load"))
        assert answers[2].status_code == 503
        texts = [answer.text + str(answer.headers) for answer in answers]
        if "grpc" in SDKS[sdk]["features"]:
            texts += [load_over_grpc(server.grpc, name) for name in ("m", "nosuch")]
        store.refuses = False
        texts += [ask.get(path).text for path in ("/v2", "/v1/models", "/metrics", "/openapi.json")]
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    assert "Loaded model m" in server.log
    for text in [*texts, server.log]:
        assert_no_secret(text)


def load_over_grpc(port: int, name: str) -> str:
    """What a client is told that has a model loaded which cannot be."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as caught:
        GRPCInferenceServiceStub(channel).RepositoryModelLoad(messages.RepositoryModelLoadRequest(model_name=name))
    assert name in str(caught.value)
    return f"{caught.value} {caught.value.trailing_metadata()}"


@pytest.mark.parametrize("arguments", [["--help"], ["--model_dri={address}"], ["--http_port={address}"]])
def test_no_option_shows_a_secret(start: Callable[..., Server], arguments: list[str]) -> None:
    """Not in --help, which shows defaults, and not in what is said of an option that does not fit."""
    address = f"https://{USER}:{PASSWORD}@host/iris.tar.gz{AFTER}"
    server = start(address, *(argument.format(address=address) for argument in arguments))
    with contextlib.closing(server.client):
        assert server.process.wait(60) == (0 if arguments == ["--help"] else 2)
    assert "iris.tar.gz" in server.log
    assert_no_secret(server.log)


def test_an_address_reaches_the_server_whole(project: Path, sdk: str) -> None:
    """`make serve` prints no command with an address in it, and the shell takes none of it for itself."""
    address = f"https://{USER}:{PASSWORD}@host/iris.tar.gz?a=1&sig={SIGNATURE}"
    (project / "echo").write_text('#!/bin/sh\necho "$MODEL_DIR" >got\n')
    (project / "echo").chmod(0o755)
    (project / ".echo" / "bin").mkdir(parents=True)
    (project / ".echo" / "bin" / "python").symlink_to(project / "echo")
    (project / ".echo" / ".installed").touch()
    command = ["make", "serve", "VENV=.echo", f"MODEL_DIR={address}"]
    printed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert (project / "got").read_text() == address + "\n"
    assert_no_secret(printed.stdout + printed.stderr)
