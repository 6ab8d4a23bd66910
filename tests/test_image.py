"""The image, built by a real engine, and run as the generated README says."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from container_engine import Container, Engine, engine
from facts import FRAMEWORKS
from test_journey import readme_commands

__all__ = ["engine"]
pytestmark = pytest.mark.slow


class Image:
    """A project and its image."""

    def __init__(self, engine: Engine, project: Path) -> None:
        self.engine = engine
        self.project = project
        self.package = f"{project.name}server"
        self.tag = f"gcr.io/airuntime-templates/{self.package}:0.1.0"
        self.sample = project / self.package / "example_models" / "0001"

    def run(self, *options: str, **environment: str) -> Container:
        variables = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        mount = ["--mount", f"type=bind,source={self.sample},target=/mnt/models"]
        return self.engine.run(self.tag, *mount, "-p", "127.0.0.1::8080", *variables, *options)


@pytest.fixture(scope="module", params=FRAMEWORKS)
def image(request: pytest.FixtureRequest, engine: Engine, bake: Callable[..., Path]) -> Image:
    image = Image(engine, bake(request.param))
    engine.build(image.project, f"{request.param}.Dockerfile", image.tag)
    for path in [image.sample.parent, image.sample, *image.sample.iterdir()]:  # pytest's folders are private
        path.chmod(0o755)
    print(f"{image.tag}: {engine.image_size(image.tag) / 1e6:.0f} MB")
    return image


def ask(container: Container, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    url = f"http://127.0.0.1:{container.port(8080)}{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def wait_until_ready(container: Container, model: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ask(container, f"/v2/models/{model}/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(container.logs())


def test_the_readmes_run_and_curl_work_word_for_word(image: Image) -> None:
    """Bind mount, MODEL_NAME, port 8080, and the curl of the original document."""
    *_, ask_with_curl, _, _, run = readme_commands(image.project)
    run = run.replace("docker run", f"{image.engine.client} run --detach")
    started = subprocess.run(["bash", "-ec", run], cwd=image.project, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    with Container(image.engine, started.stdout.strip()) as container:
        wait_until_ready(container, f"{image.package}-test")
        answer = subprocess.run(
            ["bash", "-ec", ask_with_curl], cwd=image.project, capture_output=True, text=True, check=True
        )
        assert json.loads(answer.stdout) == {"predictions": [0]}


def test_it_runs_read_only_as_any_user_in_little_memory(image: Image) -> None:
    options = ["--read-only", "--user", "12345:12345", "--memory", "1g", "--cap-drop", "ALL"]
    with image.run(*options, MODEL_NAME="m") as container:
        wait_until_ready(container, "m")
        status, answer = ask(container, "/v1/models/m:predict", (image.sample / "input.json").read_bytes())
        assert (status, json.loads(answer)) == (200, {"predictions": [0]})


def test_without_a_model_name_it_says_what_to_set(image: Image) -> None:
    with image.run() as container:
        assert container.exit_code() != 0
        assert "set MODEL_NAME" in container.logs().splitlines()[-1]
        assert "Traceback" not in container.logs()


def test_sigterm_ends_it_in_order(image: Image) -> None:
    with image.run(MODEL_NAME="m") as container:
        wait_until_ready(container, "m")
        container.signal("TERM")
        assert container.exit_code(30) == 0


def test_it_runs_as_a_number_that_is_not_root(image: Image) -> None:
    user = image.engine.command("image", "inspect", "--format", "{{.Config.User}}", image.tag).strip()
    assert user == "1000:1000"


def test_the_training_image_trains_as_the_job_in_k8s_does(image: Image, tmp_path: Path) -> None:
    """Read-only, as another user, onto a volume; what it writes can be served."""
    tag = f"{image.tag}-train"
    image.engine.build(image.project, f"{image.project.name}.Dockerfile", tag, build_args={"EXTRAS": "train"})
    tmp_path.chmod(0o777)
    options = ["--read-only", "--user", "1000:1000", "--tmpfs", "/tmp", "--entrypoint", "python"]
    volume = ["--mount", f"type=bind,source={tmp_path},target=/mnt/volume"]
    command = ["-m", f"{image.package}.trainer", "--output_dir=/mnt/volume/models"]
    with image.engine.run(tag, *options, *volume, args=command) as container:
        assert container.exit_code(120) == 0, container.logs()
        assert container.logs().endswith("Saved: /mnt/volume/models/0001\n")
    assert (tmp_path / "models" / "0001" / "metadata.json").stat().st_size > 0
