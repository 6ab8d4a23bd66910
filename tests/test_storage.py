"""MODEL_DIR as an address: a generated server downloads its model from a store that speaks S3, or says why it cannot.

The server and the store are processes of their own; the store wants credentials and checks them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from buckets import Store
from running import answers, free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(bake: Callable[..., Path]) -> Path:
    return bake("sklearn")


def sample(project: Path) -> Path:
    return project / f"{project.name}server" / "example_models" / "0001"


def start(project: Path, port: int, model_dir: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, *options, "-m", f"{project.name}server.inferencer", "--model_name=m"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    variables |= {"HTTP_PORT": str(port), "GRPC_PORT": str(free_port()), "MODEL_DIR": model_dir}
    # No credentials from this machine, be they in a file or in a cloud's metadata.
    variables |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    variables |= {"AWS_EC2_METADATA_DISABLED": "true", **environment}
    return subprocess.Popen(command, cwd=project, env=variables, stderr=subprocess.PIPE, text=True)


@contextmanager
def serving(project: Path, model_dir: str, **environment: str) -> Iterator[str]:
    """A server of the model at `model_dir`; gives its URL."""
    port = free_port()
    process = start(project, port, model_dir, **environment)
    url = f"http://127.0.0.1:{port}"
    try:
        if not answers(f"{url}/v2/models/m/ready", process):
            process.kill()
            raise AssertionError(process.communicate()[1])
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=40)


def post(url: str, body: bytes) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_model_is_served_from_a_store_and_reloaded_from_there(project: Path, store: Store, tmp_path: Path) -> None:
    """Reloading downloads again; where that fails, the old model stays and the answer says why."""
    store.upload(sample(project), "iris/0001")
    body = (sample(project) / "input.json").read_bytes()
    with serving(project, "s3://models/iris", TMPDIR=str(tmp_path), **store.access) as url:
        assert post(f"{url}/v1/models/m:predict", body) == (200, b'{"predictions":[0]}')
        store.upload(sample(project), "iris/0002")
        store.s3.put_object(Bucket="models", Key="iris/0002/metadata.json", Body=b"{")
        status, answer = post(f"{url}/v2/repository/models/m/load", b"")
        assert (status, b"metadata.json cannot be read" in answer) == (503, True)
        store.upload(sample(project), "iris/0002")
        assert post(f"{url}/v2/repository/models/m/load", b"")[0] == 200
        assert len(list(tmp_path.glob("model-*/*"))) == 2  # both versions, downloaded once: the last download is gone
        assert post(f"{url}/v1/models/m:predict", body) == (200, b'{"predictions":[0]}')
    assert list(tmp_path.glob("model-*")) == []


def test_a_reload_of_one_model_leaves_the_others_what_they_need(project: Path, store: Store, tmp_path: Path) -> None:
    """Such as the weights that explanations read later. What no model needs is removed."""
    for name in ("m", "other"):
        store.upload(sample(project), f"several/{name}")
    body = (sample(project) / "input.json").read_bytes()
    with serving(project, "s3://models/several", TMPDIR=str(tmp_path), **store.access) as url:
        for _ in range(3):
            assert post(f"{url}/v2/repository/models/m/load", b"")[0] == 200
        for name in ("m", "other"):
            assert post(f"{url}/v1/models/{name}:predict", body)[0] == 200
        assert len(list(tmp_path.glob("model-*"))) == 2


def failure(project: Path, model_dir: str, *options: str, **environment: str) -> str:
    """The one line with which the server ends."""
    process = start(project, free_port(), model_dir, *options, **environment)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == 1, errors
    assert "Traceback" not in errors
    line = str(errors.splitlines()[-1])
    assert f"The server cannot start: MODEL_DIR is {model_dir}, " in line
    return line


def test_a_bucket_that_is_not_there_stops_the_start(project: Path, store: Store) -> None:
    assert "S3 resource 'absent' not found" in failure(project, "s3://absent/iris", **store.access)


def test_an_address_with_nothing_at_it_stops_the_start(project: Path, store: Store) -> None:
    assert "No model found in absent" in failure(project, "s3://models/absent", **store.access)


def test_missing_credentials_stop_the_start_and_are_named(project: Path, store: Store) -> None:
    access = {**store.access, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert "AWS_ACCESS_KEY_ID" in failure(project, "s3://models/iris", **access)


def test_wrong_credentials_stop_the_start(project: Path, store: Store) -> None:
    assert "403" in failure(project, "s3://models/iris", **{**store.access, "AWS_ACCESS_KEY_ID": "AKIAWRONG"})


def test_a_store_that_does_not_answer_stops_the_start(project: Path, store: Store) -> None:
    access = {**store.access, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "S3_MAX_ATTEMPTS": "1"}
    assert "cannot be downloaded" in failure(project, "s3://models/iris", **access)


def test_an_unknown_scheme_stops_the_start(project: Path) -> None:
    assert "storage type" in failure(project, "ftp://host/iris")


def test_a_file_address_needs_no_download(project: Path, tmp_path: Path) -> None:
    (tmp_path / "a b").symlink_to(sample(project))
    with serving(project, f"file://{tmp_path}/a%20b") as url:
        body = (sample(project) / "input.json").read_bytes()
        assert post(f"{url}/v1/models/m:predict", body) == (200, b'{"predictions":[0]}')
    assert "not a directory" in failure(project, f"file://{tmp_path}/absent")
