"""Nothing uses the network by itself, and nothing is written unasked.

Training, serving and predicting in process are watched from outside, in a home and a working folder that are empty and
have to stay so. What libraries must be told for that stands in cookiecutter.json.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from facts import FLAVOURS, SDKS, before_a_release
from running import Server, ask_grpc
from watch import Watch

pytestmark = pytest.mark.slow

#: Numbers alone, so that every framework that compiles models compiles this one.
CUSTOMERS = "\n".join(
    ["tenure,charges,churned"]
    + [f"{n % 60},{n % 7 * 10.5 if n % 9 else ''},{'yes' if n % 60 < 30 else 'no'}" for n in range(120)]
)

#: What libraries keep in the home, and have no switch against but one that moves their downloads as well. Keras and
#: LightGBM 4.6 import matplotlib, where it is; an image has none.
MATPLOTLIB = ["XDG_CACHE_HOME/matplotlib", "XDG_CONFIG_HOME/matplotlib"]
KEEPS = {
    ("huggingface", "kfserving"): ["XDG_CACHE_HOME/huggingface"],
    ("lightgbm", "kfserving"): MATPLOTLIB,
    ("paddle", "kserve"): [".cache/paddle"],
    ("paddle", "kfserving"): [".cache/paddle"],
    ("tensorflow", "kserve"): [".keras", *MATPLOTLIB],
    ("tensorflow", "kfserving"): [".keras", *MATPLOTLIB],
}

#: Reports are sent in batches: ONNX Runtime looks its host up nine seconds after its start.
PREDICT = """
import time
from {package}.trainer.model import MyModel
for runtime in ("auto", "native"):
    model = MyModel(dirpath={model!r}, runtime=runtime)
    print(model.predict(model.signature.conform(model.example)))
time.sleep(15)
"""


class Place:
    """Folders for one watched program: a home and a working folder, both empty, and one for its temporary files.

    In the home, folders named `keeps` may be filled.
    """

    def __init__(self, folder: Path, keeps: Sequence[str] = ()) -> None:
        self.home, self.cwd, self.temporary = (folder / name for name in ("home", "cwd", "temporary"))
        for path in (self.home, self.cwd, self.temporary, folder / "calls"):
            path.mkdir()
        self.writable = [self.temporary, *(self.home / name for name in keeps)]
        for path in self.writable[1:]:
            path.mkdir(parents=True)
        self.watch = Watch(folder / "calls")
        directories = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
        self.environment = {name: str(self.home / name) for name in directories}
        self.environment |= {"HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def run(self, *command: str | Path) -> None:
        """Run a program to its end, which must be a good one."""
        run = subprocess.run(
            self.watch.command(*command),
            cwd=self.cwd,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr

    def assert_silent(self, *writable: Path) -> None:
        """Hold that the program, which has ended, kept to itself."""
        assert self.watch.findings(*self.writable, *writable) == []
        files = [path for place in (self.home, self.cwd) for path in place.rglob("*") if path.is_file()]
        assert [path for path in files if not any(path.is_relative_to(kept) for kept in self.writable)] == []


PAIRS = [pytest.param(found, marks=before_a_release(found), id="-".join(found)) for found in FLAVOURS]


@pytest.fixture(scope="module", params=PAIRS)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Framework and SDK."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(scope="module")
def project(pair: tuple[str, str], install: Callable[[str, str], Path]) -> Path:
    return install(*pair)


@pytest.fixture
def place(pair: tuple[str, str], tmp_path: Path) -> Place:
    return Place(tmp_path, KEEPS.get(pair, ()))


@pytest.fixture(scope="module")
def training(pair: tuple[str, str], project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Path]:
    """A training on a table, and the model that it saved."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "customers.csv").write_text(CUSTOMERS)
    place = Place(folder, KEEPS.get(pair, ()))
    command: list[str | Path] = [
        project / ".venv/bin/python",
        "-m",
        f"{project.name}server.trainer",
        "--target",
        "churned",
    ]
    # Watched, the import of some libraries alone takes longer than a compiled model may by default.
    patience = ["--extras_seconds", "600"]
    place.run(*command, "--data", folder / "customers.csv", "--output_dir", folder / "models", *patience)
    return place, folder / "models" / "0001"


def test_training_is_silent(project: Path, training: tuple[Place, Path]) -> None:
    place, model = training
    sample = project / f"{project.name}server" / "example_models" / "0001"
    assert (model / "model.onnx").exists() == (sample / "model.onnx").exists()  # ONNX Runtime has been at work
    place.assert_silent(project, model.parent)


def test_a_server_is_silent(pair: tuple[str, str], project: Path, training: tuple[Place, Path], place: Place) -> None:
    """Through its whole life: start, predictions, an explanation, a reload, and its end."""
    body = (training[1] / "input.json").read_bytes()
    variables = {**place.environment, "MODEL_DIR": str(training[1])}
    with Server(project, wrap=place.watch.command, cwd=place.cwd, **variables) as server:
        ask = server.client
        prediction = ask.post("/v1/models/m:predict", content=body)
        assert prediction.status_code == 200
        assert ask.post("/v2/models/m/infer", content=body).json() == prediction.json()
        if "grpc" in SDKS[pair[1]]["features"]:
            rows = json.loads(body)["instances"]
            assert ask_grpc(server.grpc, ask.get("/v2/models/m").json(), rows) == prediction.json()["predictions"]
        assert ask.post("/v1/models/m:explain", content=body).status_code in (200, 501)  # not all can
        assert ask.post("/v2/repository/models/m/load").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    place.assert_silent(project)


def test_a_program_of_ones_own_is_silent(project: Path, training: tuple[Place, Path], place: Place) -> None:
    """A notebook, say, that imports the model and asks it."""
    program = PREDICT.format(package=f"{project.name}server", model=str(training[1]))
    place.run(project / ".venv/bin/python", "-c", program)
    place.assert_silent(project)


# -- and the watch does see what is not silent


@pytest.mark.parametrize(
    ("program", "finding"),
    [
        ("import socket; socket.socket().connect_ex(('192.0.2.1', 9))", "connects to 192.0.2.1, port 9"),
        ("import socket; socket.socket(type=2).sendto(b'x', ('192.0.2.1', 9))", "connects to 192.0.2.1, port 9"),
        ("import socket; socket.socket(10, 2).connect_ex(('2001:db8::1', 9))", "connects to 2001:db8::1, port 9"),
        ("import socket; socket.socket(type=2).connect(('127.0.0.1', 53))", "looks up a name"),
        ("import subprocess; subprocess.run(['touch', 'file'])", "writes {cwd}/file"),
        ("import os; os.mkdir('folder')", "writes the working directory/folder"),
    ],
)
def test_what_is_not_silent_is_seen(tmp_path: Path, program: str, finding: str) -> None:
    place = Place(tmp_path)
    place.run(sys.executable, "-c", f"try:\n  {program}\nexcept OSError: pass")
    assert finding.format(cwd=place.cwd) in place.watch.findings(place.temporary)
