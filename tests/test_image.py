"""The image, built by a real engine, and run as the generated README says.

What a framework can change is tested with each, on each SDK that it has; the rest with one.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from clients import Clients
from container_engine import Container, Engine, extra_index, require_engine
from facts import FLAVOURS, FRAMEWORKS, SDKS, before_a_release, pins
from running import ask_grpc, until
from test_journey import readme_commands

pytestmark = pytest.mark.slow

HARDENED = ["--read-only", "--user", "12345:12345", "--memory", "2g", "--cap-drop", "ALL"]

#: What KServe requires and serving does not import: docs/deploying.md says how much that is.
REMAINDER = """
    aiohappyeyeballs aiohttp aiohttp-retry aiosignal attrs certifi cffi cryptography durationpy flatbuffers frozenlist
    h11 httpcore kubernetes multidict narwhals oauthlib pillow propcache pyasn1 pycparser pyjwt python-dotenv pyyaml
    requests requests-oauthlib tabulate tzdata urllib3 websocket-client websockets yarl
"""

#: A server that asks itself over every protocol, and then lists the distributions of which nothing was imported.
LISTS_THE_UNUSED = """
import importlib.metadata, json, os, signal, sys, threading, time, urllib.request
from pathlib import Path
def ask(path, body=None):
    with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8080" + path, body)) as answer:
        return json.loads(answer.read()) if path != "/metrics" else answer.read()
def look():
    while True:
        try:
            ask("/v2/models/m/ready")
            break
        except OSError:
            time.sleep(0.1)
    body = Path("/mnt/models/input.json").read_bytes()
    ask("/v1/models/m:predict", body), ask("/v2/models/m/infer", body), ask("/v2/models/m"), ask("/metrics")
    import grpc
    from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
    from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
    request = messages.ModelInferRequest(model_name="m")
    (row,) = json.loads(body)["instances"]
    tensor = request.inputs.add(name="input-0", datatype="FP64", shape=[1, len(row)])
    tensor.contents.fp64_contents.extend(row)
    with grpc.insecure_channel("127.0.0.1:8081") as channel:
        GRPCInferenceServiceStub(channel).ModelInfer(request)
    from {package}.trainer.model import MyModel
    model = MyModel(dirpath="/mnt/models", runtime="native")
    model.predict(model.example)
    modules = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    imported = {{os.path.realpath(name) for name in modules if name}}
    for distribution in importlib.metadata.distributions():
        files = {{os.path.realpath(distribution.locate_file(name)) for name in distribution.files}}
        if not files & imported:
            size = sum(os.path.getsize(name) for name in files if os.path.exists(name))
            print("unused", distribution.name.lower(), size)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=look).start()
from {package}.inferencer.__main__ import main
main()
"""


class Image:
    """A project and its image, which is built at once. Use it in a `with` statement, and the image is gone."""

    def __init__(self, engine: Engine, project: Path, sdk: str, extras: str = "") -> None:
        self.engine = engine
        self.project = project
        self.sdk = sdk
        self.package = f"{project.name}server"
        self.tag = f"gcr.io/airuntime-templates/{self.package}:0.1.0{extras and '-train'}"
        self.sample = project / self.package / "example_models" / "0001"
        for path in [self.sample.parent, self.sample, *self.sample.rglob("*")]:  # pytest's folders are private
            path.chmod(0o755)
        with extra_index(pins(project.name, sdk)["unlocked"]) as build_args:
            build_args["EXTRAS"] = extras
            engine.build(project, f"{project.name}.Dockerfile", self.tag, build_args=build_args)

    def __enter__(self) -> Image:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.remove(self.tag)

    def run(
        self, *options: str, target: str = "/mnt/models", args: tuple[str, ...] = (), **environment: str
    ) -> Container:
        variables = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        mount = ["--mount", f"type=bind,source={self.sample},target={target},readonly"]
        ports = ["-p", "127.0.0.1::8080", "-p", "127.0.0.1::8081"]
        return self.engine.run(self.tag, *mount, *ports, *variables, *options, args=args)

    def inspect(self, what: str) -> Any:
        return json.loads(self.engine.command("image", "inspect", "--format", f"{{{{json {what}}}}}", self.tag))


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest, bake: Callable[..., Path]) -> Iterator[Image]:
    """The image of a framework and an SDK; it is built once for all tests, which pytest runs together."""
    framework, sdk = request.param
    engine = require_engine(pins(framework, sdk)["pythons"][0])
    with Image(engine, bake(framework, serving_sdk=sdk), sdk) as image:
        yield image


def with_images(flavours: list[tuple[str, str]]) -> pytest.MarkDecorator:
    params = [pytest.param(found, marks=before_a_release(found), id="-".join(found)) for found in flavours]
    return pytest.mark.parametrize("image", params, indirect=True)


#: On an SDK for old clusters, one of each set of Debian packages: the rest of the Dockerfile is the same with all.
OLD = {tuple(pins(framework, sdk)["debian"]): (framework, sdk) for framework, sdk in FLAVOURS[::-1] if sdk != "kserve"}
EACH = with_images([flavour for flavour in FLAVOURS if flavour[1] == "kserve" or flavour in OLD.values()])
ONE_OF_EACH_SDK = with_images([(FRAMEWORKS[0], sdk) for sdk in SDKS])
ONE_OF_KSERVE = with_images([(FRAMEWORKS[0], "kserve")])


def ask(container: Container, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    url = f"http://127.0.0.1:{container.port(8080)}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def wait_until_ready(container: Container, path: str = "/v1/models/m") -> None:
    def ready() -> bool:
        try:
            return ask(container, path)[0] == 200
        except OSError:
            return False

    until(ready, said=container.logs)


# -- with every framework


@EACH
def test_it_answers_read_only_as_any_user_in_the_manifests_memory(image: Image) -> None:
    """Over REST, and over gRPC the same."""
    print(f"{image.package} on {image.sdk}: {image.engine.image_size(image.tag) / 1e6:.0f} MB")
    with image.run(*HARDENED, "--tmpfs", "/tmp", MODEL_NAME="m") as container:
        wait_until_ready(container)
        body = (image.sample / "input.json").read_bytes()
        status, answer = ask(container, "/v1/models/m:predict", body)
        assert status == 200, answer
        if "grpc" in SDKS[image.sdk]["features"]:
            metadata = json.loads(ask(container, "/v2/models/m")[1])
            assert (
                ask_grpc(container.port(8081), metadata, json.loads(body)["instances"])
                == json.loads(answer)["predictions"]
            )


# -- with one


@ONE_OF_EACH_SDK
def test_the_readmes_run_and_curl_work_word_for_word(image: Image) -> None:
    """Bind mount, MODEL_NAME, port 8080, and the curl of the original document."""
    *_, ask_with_curl, _, _, _, run = readme_commands(image.project)
    run = run.replace("docker run", f"{image.engine.client} run --detach")
    started = subprocess.run(["bash", "-ec", run], cwd=image.project, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    with Container(image.engine, started.stdout.strip()) as container:
        wait_until_ready(container, SDKS[image.sdk]["ready"].replace("NAME", f"{image.package}-test"))
        answer = subprocess.run(
            ["bash", "-ec", ask_with_curl], cwd=image.project, capture_output=True, text=True, check=True
        )
        assert json.loads(answer.stdout) == {"predictions": [0]}


@ONE_OF_EACH_SDK
@pytest.mark.parametrize(
    ("environment", "args", "complaint"),
    [
        ({}, (), "set MODEL_NAME"),
        ({"MODEL_NAME": "m", "HTTP_PORT": "http"}, (), "--http_port: expected a port from 1 to 65535, got 'http'"),
        ({"MODEL_NAME": "m", "MODEL_DIR": "/mnt/absent"}, (), "MODEL_DIR is /mnt/absent, which is not a directory"),
        ({"MODEL_NAME": "m"}, ("--max_bufer_size=1",), "unrecognized arguments: --max_bufer_size=1"),
    ],
    ids=["no name", "bad port", "no model", "unknown option"],
)
def test_what_cannot_work_stops_it_with_one_line(
    image: Image, environment: dict[str, str], args: tuple[str, ...], complaint: str
) -> None:
    stops_with_one_line(image, complaint, *args, **environment)


def stops_with_one_line(image: Image, complaint: str, *args: str, **environment: str) -> None:
    with image.run(*HARDENED, args=args, **environment) as container:
        assert container.exit_code() != 0
        assert complaint in container.logs().splitlines()[-1]
        assert "Traceback" not in container.logs()


@ONE_OF_EACH_SDK
def test_an_address_that_it_cannot_download_stops_it_with_one_line(image: Image) -> None:
    """KServe's image because storage is an extra; KFServing's, which has it, because nothing can be written."""
    complaints = {
        "kserve": "build the image with --build-arg EXTRAS=storage",
        "kfserving": "MODEL_DIR is s3://bucket/m, but there is no place to download it to",
    }
    stops_with_one_line(image, complaints[image.sdk], MODEL_NAME="m", MODEL_DIR="s3://bucket/m")


@ONE_OF_KSERVE
def test_sagemaker_can_run_it(image: Image) -> None:
    """With the argument `serve`, the model in /opt/ml/model, and no variable."""
    with image.run(target="/opt/ml/model", args=("serve",)) as container:
        wait_until_ready(container, "/ping")
        status, answer = ask(container, "/invocations", (image.sample / "input.json").read_bytes())
        assert (status, json.loads(answer)) == (200, {"predictions": [0]})


@ONE_OF_EACH_SDK
def test_sigterm_ends_it_in_order(image: Image) -> None:
    with image.run(MODEL_NAME="m") as container:
        wait_until_ready(container)
        container.signal("TERM")
        assert container.exit_code(30) == 0


@ONE_OF_EACH_SDK
def test_sigterm_under_load_loses_no_request(image: Image) -> None:
    """Whoever asks for three seconds after it is answered, over REST and gRPC, on new and on open connections."""
    (row,) = json.loads((image.sample / "input.json").read_text())["instances"]
    with image.run(MODEL_NAME="m") as container:
        wait_until_ready(container)
        over_grpc = container.port(8081) if "grpc" in SDKS[image.sdk]["features"] else None
        clients = Clients(row, container.port(8080), over_grpc, rows=1000)
        with clients.asking():
            container.signal("TERM")
            time.sleep(3)
        assert container.exit_code(30) == 0
    assert clients.failures == []


@ONE_OF_EACH_SDK
def test_its_health_check_asks_the_server_itself(image: Image) -> None:
    """Also where a proxy is set, as engines do in companies."""
    with image.run("--health-interval=1s", MODEL_NAME="m", http_proxy="http://127.0.0.1:9", HTTP_PORT="") as container:
        told = ("inspect", "--format", "{{.State.Health.Status}}", container.identifier)
        until(lambda: image.engine.command(*told).strip() == "healthy", said=container.logs)


@ONE_OF_EACH_SDK
def test_the_image_says_what_it_is(image: Image) -> None:
    """A user that Kubernetes can see is not root, a health check, and OCI's labels."""
    config = image.inspect(".Config")
    assert config["User"] == "1000:1000"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.title"] == image.package
    assert config["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert "scikit-learn" in config["Labels"]["org.opencontainers.image.description"]


@ONE_OF_EACH_SDK
def test_there_is_no_compiler_no_pip_and_no_test_in_it(image: Image) -> None:
    """No pip beside the base image's, and none of the libraries' own tests."""
    unwanted = ("-name", "tests", "-o", "-path", "/venv/*/pip", "-o", "-regex", r".*/\(cc\|gcc\|make\)")
    with image.run("--entrypoint", "find", args=("/venv", "/usr/bin", *unwanted)) as container:
        assert container.exit_code() == 0
        assert container.logs() == ""


@ONE_OF_EACH_SDK
def test_the_licences_of_what_is_in_it_are_in_it(image: Image) -> None:
    """A table of what each package says, and the texts, which can be read."""
    with image.run("--entrypoint", "cat", args=("/licenses/README", "/licenses/numpy/LICENSE.txt")) as container:
        assert container.exit_code() == 0
        said = container.logs()
    for line in ("numpy [^:]+: BSD", "onnxruntime [^:]+: MIT", f"{image.package} 0.1.0: "):
        assert re.search(f"^{line}", said, re.MULTILINE), line
    assert "Redistribution and use" in said


@ONE_OF_KSERVE
def test_there_is_nothing_in_it_that_serving_does_not_import(image: Image) -> None:
    """Except what KServe requires."""
    program = LISTS_THE_UNUSED.format(package=image.package)
    with image.run("--entrypoint", "python", args=("-c", program), MODEL_NAME="m") as container:
        assert container.exit_code(120) == 0, container.logs()
        unused = dict(re.findall(r"^unused (\S+) (\d+)$", container.logs(), re.MULTILINE))
    print(f"unused: {sum(map(int, unused.values())) / 1e6:.0f} MB")
    assert unused.keys() <= set(REMAINDER.split())


@ONE_OF_EACH_SDK
def test_the_training_image_trains_as_the_job_in_k8s_does(image: Image, tmp_path: Path) -> None:
    """Read-only, as another user, onto a volume; what it writes can be served. With KServe it has storage, too."""
    storage = "storage" in SDKS[image.sdk]["extras"]
    tmp_path.chmod(0o777)
    options = ["--read-only", "--user", "1000:1000", "--tmpfs", "/tmp", "--entrypoint", "python"]
    volume = ["--mount", f"type=bind,source={tmp_path},target=/mnt/volume"]
    command = ("-m", f"{image.package}.trainer", "--output_dir=/mnt/volume/models")
    with Image(image.engine, image.project, image.sdk, extras="storage,train" if storage else "train") as trains:
        with trains.run(*options, *volume, args=command) as container:
            assert container.exit_code(120) == 0, container.logs()
            assert container.logs().endswith("Saved: /mnt/volume/models/0001\n")
        assert (tmp_path / "models" / "0001" / "metadata.json").stat().st_size > 0
        if storage:
            complaint = "there is no place to download it to"
            stops_with_one_line(trains, complaint, MODEL_NAME="m", MODEL_DIR="s3://bucket/m")
