"""`make push-model`: versions in a bucket of S3, of Google, and in a registry, under the next number, never over one.

S3 is moto's, with credentials; of Google Cloud Storage and of a registry there is here as much as their own documents
say that their clients use, and the images are made by a real engine.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from buckets import Store, running_store
from container_engine import require_engine
from facts import SDKS

NAME = "sklearnserver-test"


@pytest.fixture(params=SDKS)
def project(request: pytest.FixtureRequest, bake: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of a project, whose manifests change; its environment is the template's."""
    copy = tmp_path / "sklearn"
    shutil.copytree(bake("sklearn", serving_sdk=request.param, storage_uri="s3://models/churn/0007"), copy)
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (copy / ".venv" / "bin" / "python").chmod(0o755)
    (copy / ".venv" / ".installed").touch()
    return copy


def model(project: Path) -> Path:
    return project / "sklearnserver" / "example_models" / "0001"


def push(project: Path, *words: str, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "push-model", f"MODEL_DIR={model(project)}", f"PYTHON={sys.executable}", *words]
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GOOGLE_"))}
    variables |= {"AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", **environment}
    run = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == ok, run.stdout + run.stderr
    return run


def addresses(project: Path) -> set[tuple[str, str]]:
    """What the manifests name: the model's address, and its version."""
    found = set()
    (root,) = [one for one in yaml.safe_load_all((project / "sklearnserver.yaml").read_text()) if one]
    variables = {each["name"]: each["value"] for each in root["spec"]["predictor"]["containers"][0]["env"]}
    found.add((variables["STORAGE_URI"], root["metadata"]["labels"]["model-version"]))
    if (project / "k8s" / "runtime").exists():
        (service,) = yaml.safe_load_all((project / "k8s" / "runtime" / "service.yaml").read_text())
        predictor = service["spec"]["predictor"]
        found.add((predictor["model"]["storageUri"], predictor["labels"]["model-version"]))
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


def objects(store: Store, prefix: str) -> dict[str, bytes]:
    listed = store.s3.list_objects_v2(Bucket="models", Prefix=prefix).get("Contents", [])
    return {
        item["Key"][len(prefix) :]: store.s3.get_object(Bucket="models", Key=item["Key"])["Body"].read()
        for item in listed
    }


def test_a_version_goes_beside_the_one_that_the_manifests_name(project: Path, store: Store) -> None:
    (model(project) / ".DS_Store").write_text("no file of the model's")
    place = f"s3://models/{project.parent.name}"
    run = push(project, f"TO={place}", **store.access)
    said = run.stdout.splitlines()[-1]
    assert said.startswith(f"Pushed to {place}/0001, and wrote that address into sklearnserver.yaml")
    assert addresses(project) == {(f"{place}/0001", "0001")}
    first = objects(store, f"{project.parent.name}/0001/")
    (model(project) / ".DS_Store").unlink()
    assert first == files_in(model(project))
    store.s3.put_object(Bucket="models", Key=f"{project.parent.name}/0041/half", Body=b"of a version")
    push(project, **store.access)
    assert addresses(project) == {(f"{place}/0042", "0042")}
    assert objects(store, f"{project.parent.name}/0042/") == first
    assert objects(store, f"{project.parent.name}/0041/") == {"half": b"of a version"}
    assert "SECRET" not in run.stdout + run.stderr


def test_of_two_who_push_at_once_each_has_a_number(bake: Callable[..., Path], store: Store, tmp_path: Path) -> None:
    project = bake("sklearn")
    command = [sys.executable, "-m", "sklearnserver._engine.pushing", str(model(project)), "--name=m"]
    variables = {**os.environ, **store.access}
    runs = [
        subprocess.Popen([*command, "--to=s3://models/race"], cwd=project, env=variables, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [run.communicate(timeout=120)[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0] * 4
    names = sorted(re.findall(r"Pushed to (\S+\d)", " ".join(said)))
    assert names == [f"s3://models/race/000{number}" for number in range(1, 5)]
    for number in range(1, 5):
        assert objects(store, f"race/000{number}/") == files_in(model(project))


def test_what_cannot_be_pushed_is_said_and_changes_nothing(project: Path, store: Store, tmp_path: Path) -> None:
    before = addresses(project)
    for place in ("pvc://claim/models", "https://example.com/m.tar.gz?sig=SECRET", "s3://", "models"):
        run = push(project, f"TO={place}", ok=False)
        assert (
            f"no model can be pushed to {place.replace('sig=SECRET', '...')}: name a place in gs://, s3://"
            in run.stderr
        )
        assert "SECRET" not in run.stdout + run.stderr
    kfserving = not (project / "k8s" / "runtime").exists()
    assert ("oci://" in run.stderr) != kfserving
    run = push(project, "TO=s3://other/m", ok=False, **store.access)
    assert "NoSuchBucket" in run.stderr and "Traceback" not in run.stderr
    metadata = model(project) / "metadata.json"
    metadata.write_bytes(metadata.read_bytes() + b" ")
    run = push(project, "TO=s3://models/damaged", ok=False, **store.access)
    assert "Nothing was pushed" in run.stderr and "metadata" in run.stderr
    assert objects(store, "damaged/") == {} and addresses(project) == before


# --- Google Cloud Storage: what its client asks of the JSON API, https://cloud.google.com/storage/docs/json_api/v1


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def test_googles_bucket_has_a_version_under_the_next_number(project: Path) -> None:
    content: dict[str, bytes] = {"churn/0002/half": b""}
    taken = threading.Lock()

    class Google(Quiet):
        def do_GET(self) -> None:
            asked = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
            below = [name[len(asked["prefix"]) :] for name in content if name.startswith(asked["prefix"])]
            folders = sorted({f"{asked['prefix']}{name.split('/')[0]}/" for name in below})
            assert asked["delimiter"] == "/"
            self.answer(200, json.dumps({"prefixes": folders}).encode(), Content_Type="application/json")

        def do_POST(self) -> None:
            asked = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
            assert asked["uploadType"] == "multipart" and asked["ifGenerationMatch"] == "0"
            mark = b"--" + self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
            _, about, data, _ = self.body().split(mark)
            name = json.loads(about.partition(b"\r\n\r\n")[2])["name"]
            with taken:
                if not any(each.startswith("churn/0003/") for each in content):
                    content["churn/0003/metadata.sha256"] = b"somebody else's, at the same moment"
                if name in content:
                    return self.answer(412, b"{}", Content_Type="application/json")
                content[name] = data.partition(b"\r\n\r\n")[2][:-2]
            self.answer(200, json.dumps({"name": name}).encode(), Content_Type="application/json")

    with serving(Google) as port:
        push(project, "TO=gs://models/churn", STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{port}")
    assert addresses(project) == {("gs://models/churn/0004", "0004")}
    mine = {name.rpartition("0004/")[2]: data for name, data in content.items() if "/0004/" in name}
    assert mine == files_in(model(project)) and [*mine][-1] == "metadata.json"


# --- A registry: what is pushed to it, https://github.com/opencontainers/distribution-spec


class Registry:
    """Blobs and manifests, in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        registry = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                path = urllib.parse.urlparse(self.path).path
                name = path.rpartition("/")[2]
                if path == "/v2/":
                    return self.answer(200, b"{}")
                if path.endswith("/tags/list"):
                    tags = [tag for tag in registry.manifests if not tag.startswith("sha256:")]
                    return self.answer(200 if tags else 404, json.dumps({"tags": tags}).encode())
                found = {**registry.blobs, **registry.manifests}.get(name)
                self.answer(404 if found is None else 200, found or b"", Docker_Content_Digest=digest(found or b""))

            do_HEAD = do_GET

            def do_POST(self) -> None:
                self.body()
                self.answer(202, Location=f"{self.path}{os.urandom(8).hex()}", Range="0-0")

            def do_PATCH(self) -> None:
                data = self.chunks() if self.headers.get("Transfer-Encoding") else self.body()
                registry.blobs[urllib.parse.urlparse(self.path).path] = data
                self.answer(202, Location=self.path, Range=f"0-{len(data) - 1}")

            def do_PUT(self) -> None:
                url, data = urllib.parse.urlparse(self.path), self.body()
                if "/manifests/" in url.path:
                    registry.manifests[url.path.rpartition("/")[2]] = data
                    return self.answer(201, Docker_Content_Digest=digest(data))
                whole = registry.blobs.pop(url.path, b"") + data
                registry.blobs[digest(whole)] = whole
                self.answer(201, Docker_Content_Digest=digest(whole))

            def chunks(self) -> bytes:
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

        self.handler = Handler


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.slow
def test_a_registry_has_a_model_as_kserve_packs_them(bake: Callable[..., Path], tmp_path: Path) -> None:
    """An image with a shell, for the modelcar, and the model in /models, which anybody may read."""
    engine = require_engine("3.11")
    project = tmp_path / "sklearn"
    shutil.copytree(bake("sklearn"), project)
    registry = Registry()
    with serving(registry.handler) as port:
        command = [sys.executable, "-m", "sklearnserver._engine.pushing", str(model(project)), f"--name={NAME}"]
        options = [f"--engine={engine.client}", "--base=python:3.11-slim", "--manifest=sklearnserver.yaml"]
        place = f"oci://localhost:{port}/team/churn"
        for to in ([f"--to={place}"], []):
            run = subprocess.run([*command, *options, *to], cwd=project, capture_output=True, text=True, check=False)
            assert run.returncode == 0, run.stdout + run.stderr
        assert set(registry.manifests) >= {"0001", "0002"}
        assert f"{place}:0002" in (project / "sklearnserver.yaml").read_text()
        manifest = json.loads(registry.manifests["0002"])
        layer = registry.blobs[manifest["layers"][-1]["digest"]]
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            found = {item.name: item for item in archive if item.isfile()}
            held = {name[len("models/") :]: archive.extractfile(item) for name, item in found.items()}
            assert {name: stream.read() for name, stream in held.items() if stream} == files_in(model(project))
        assert all(item.mode & 0o444 == 0o444 for item in found.values())
        for number in ("0001", "0002"):
            shell = ["run", "--rm", "--user=1000", "--entrypoint=sh", f"localhost:{port}/team/churn:{number}"]
            said = engine.command(*shell, "-c", "cd /models && sha256sum -c metadata.sha256 && ln -s /models /tmp/m")
            assert said == "metadata.json: OK\n"
            engine.remove(f"localhost:{port}/team/churn:{number}")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("s3://models/churn/0007/", "s3://models/churn"),
        ("s3://models/churn", "s3://models/churn"),
        ("s3://0007", "s3://0007"),
        ("gs://models/0007", "gs://models"),
        ("oci://ghcr.io:5000/team/churn:0007", "oci://ghcr.io:5000/team/churn"),
        ("oci://ghcr.io:5000/team/churn", "oci://ghcr.io:5000/team/churn"),
        ("oci://ghcr.io/team/churn:1@sha256:00", "oci://ghcr.io/team/churn"),
    ],
)
def test_versions_lie_beside_one_another(bake: Callable[..., Path], address: str, place: str) -> None:
    code = f"from sklearnserver._engine.pushing.__main__ import place_of; print(place_of({address!r}))"
    run = subprocess.run([sys.executable, "-c", code], cwd=bake("sklearn"), capture_output=True, text=True, check=True)
    assert run.stdout.strip() == place
