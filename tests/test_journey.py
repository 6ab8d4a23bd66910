"""The user's whole way: generate, then what the generated README says, word for word, in a fresh environment.

Everything is real: pip installs, a model is trained, the server runs and is asked. What needs a container
engine is in test_image.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from facts import FLAVOURS, SDKS, before_a_release, pins
from needed import needed_python
from running import Server, free_port, lay_promises, serving, shell

pytestmark = pytest.mark.slow

CUSTOMERS = "\n".join(
    ["customer,tenure,plan,autopay,churned"]
    + [
        f"{name},{tenure if tenure % 7 else ''},{plan},{tenure % 2 == 0},{'yes' if tenure < 20 else 'no'}"
        for tenure, (name, plan) in enumerate([(f"Ann{i}", ("basic", "pro", "")[i % 3]) for i in range(60)])
    ]
)


def readme_commands(project: Path) -> list[str]:
    """The blocks of shell in the README, in their order."""
    return re.findall(r"^```bash\n(.*?)^```$", (project / "README.md").read_text(), re.DOTALL | re.MULTILINE)


def environments() -> list[tuple[str, str, str]]:
    """Each framework with each SDK, KServe on its first Python, KFServing on its Pythons in turn."""
    found = [(framework, sdk, SDKS[sdk]["pythons"][0]) for framework, sdk in FLAVOURS if sdk != "kfserving"]
    old = [framework for framework, sdk in FLAVOURS if sdk == "kfserving"]
    pythons = [pins(framework, "kfserving")["pythons"] for framework in old]
    return found + [(fw, "kfserving", of[n % len(of)]) for n, (fw, of) in enumerate(zip(old, pythons))]


@pytest.fixture(
    scope="module",
    params=[pytest.param(found, marks=before_a_release(found[:2]), id="-".join(found)) for found in environments()],
)
def environment(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """Framework, SDK and Python."""
    found: tuple[str, str, str] = request.param
    return found


@pytest.fixture(scope="module")
def sdk(environment: tuple[str, str, str]) -> dict[str, Any]:
    """The facts of the project's SDK."""
    found: dict[str, Any] = SDKS[environment[1]]
    return found


@pytest.fixture(scope="module")
def installed(environment: tuple[str, str, str], bake: Callable[..., Path]) -> Path:
    """A project of each framework and SDK, its environment made by its own Makefile."""
    framework, sdk, version = environment
    if sdk == "kfserving":
        needed_python(version)
    project = bake(framework, serving_sdk=sdk, python_version=version)
    shell(project, "make install")
    return project


def test_the_readme_works_word_for_word(
    installed: Path, environment: tuple[str, str, str], sdk: dict[str, Any]
) -> None:
    """Train, serve, ask with curl; then the same on a CSV file of one's own."""
    name = installed.name
    train, serve, ask, train_own, score, *containers = readme_commands(installed)
    assert (train, serve) == ("make train\n", "make serve\n")
    assert all(command.startswith("docker ") for command in containers)
    # The ports are the only thing that is not as written: others may run on this machine.
    http, grpc = free_port(), free_port()
    serve = f"{serve.strip()} HTTP_PORT={http} GRPC_PORT={grpc}"
    ready = f"http://localhost:{http}{sdk['ready'].replace('NAME', f'{name}server-test')}"

    printed = shell(installed, train)
    assert "accuracy" in printed and printed.strip().endswith(f"{name}server/trainer/0001")
    with serving(installed, serve, ready):
        assert json.loads(shell(installed, ask.replace("localhost:8080", f"localhost:{http}"))) == {"predictions": [0]}
        assert shell(installed, f"make predict HTTP_PORT={http}") == '{"predictions":[0]}\n'
        # It ends well only if all requests did.
        shell(installed, f"make loadtest HTTP_PORT={http} ARGS='--users 2 --run-time 2s'")
        assert "/v2/models/" in (installed / "loadtest.html").read_text()

    (installed / "customers.csv").write_text(CUSTOMERS)
    noise = installed.parent / "noise"
    printed = shell(installed, f"{{ {train_own}}} 2>{noise}")
    assert "churned" in printed
    assert re.search(r"^customer .* left out: it names", printed, re.MULTILINE)
    # TensorFlow 2.17 reports the GPUs that it finds, whatever its log level is.
    counts = ("WARNING: All log", "I0000 ") if environment[:2] == ("tensorflow", "kfserving") else ()
    assert [line for line in noise.read_text().splitlines() if not line.startswith(counts)] == []
    with serving(installed, serve, ready):
        (answer,) = json.loads(shell(installed, f"make predict HTTP_PORT={http}"))["predictions"]
        assert answer in ("yes", "no")
    shell(installed, score)
    header, *scores = (installed / "scores.csv").read_text().splitlines()
    assert header == "customer,predict,proba_no,proba_yes,error"
    assert len(scores) == 60 and all(row.endswith(",") for row in scores)  # no errors
    metadata = json.loads((installed / f"{name}server" / "trainer" / "0002" / "metadata.json").read_text())
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["tenure", "plan", "autopay"]
    assert metadata["unused"] == {"customer": "it names the rows"}


def test_a_project_passes_its_own_tests_and_checks(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Before anything was edited, with the sample or with a model that was trained."""
    assert re.search(r"\d+ passed", shell(installed, "make test"))
    # What mypy knows of a library is true in the next project, too.
    shell(installed, "make lint", MYPY_CACHE_DIR=str(tmp_path_factory.getbasetemp() / "mypy"))


def test_a_project_keeps_the_templates_promises(
    installed: Path, environment: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Those of every framework and of every server. KFServing's server is the same with every framework, so that it is
    tested with two of them."""
    framework, sdk, _ = environment
    promises = lay_promises(installed, sdk)
    both = sdk == "kserve" or framework in ("sklearn", "xgboost")
    what = promises if both else f"{promises}/trainer"
    assert re.search(r"\d+ passed", shell(installed, f"make test ARGS={what}"))
    shell(installed, "make lint", MYPY_CACHE_DIR=str(tmp_path_factory.getbasetemp() / "mypy"))


#: What each SDK imports for its clients and for stores, and a command that one of its packages has.
CLIENTS = {
    "kserve": {"kserve.api.kserve_client", "kserve.models", "kubernetes", "requests", "rich", "tabulate", "urllib3"},
    "kfserving": {"kfserving.api.kf_serving_client", "kfserving.models", "kfserving.storage", "azure", "boto3"},
}
FRAMEWORKS = {"catboost", "keras", "lightgbm", "pandas", "sklearn", "tensorflow", "torch", "xgboost"}


def test_a_server_imports_no_more_than_it_needs(installed: Path, environment: tuple[str, str, str]) -> None:
    """Nothing of training, no client, and where the compiled model answers, neither the framework nor pandas."""
    package = f"{installed.name}server"
    program = f"""
import atexit, json, sys
atexit.register(lambda: print(json.dumps([*sys.modules])))
from {package}.inferencer.__main__ import main
main()
"""
    with Server(installed, program=program) as server:
        request = (installed / "input.json").read_text()
        assert server.client.post("/v1/models/m:predict", content=request).status_code == 200
        server.process.terminate()
        assert server.process.wait(60) == 0
        imported = set(json.loads(server.log.splitlines()[-1]))
    unwanted = {f"{package}._engine.tables.reading", "pydantic_settings", *CLIENTS[environment[1]]}
    if (installed / package / "example_models" / "0001" / "model.onnx").exists():
        unwanted |= FRAMEWORKS
    assert not imported & unwanted
