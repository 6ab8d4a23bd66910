"""What the training command promises whatever happens to it: the model that it trained is saved."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Server, shell, until

pytestmark = pytest.mark.slow

#: What a model.py ends with whose conversion does not.
ENDLESS = "\nMyModel.to_onnx = lambda self: __import__('time').sleep(3600)\n"
KILLED = "\nMyModel.to_onnx = lambda self: __import__('os').kill(__import__('os').getpid(), 9)\n"

Install = Callable[[str, str], Path]


@pytest.mark.parametrize("sdk", ["kserve", "kfserving"])
def test_many_texts_are_no_trouble_for_xgboost(install: Install, tmp_path: Path, sdk: str) -> None:
    """120 e-mail addresses: a split by category of up to a hundred of them is compiled like others."""
    chance = random.Random(0)
    rows = [
        f"user{chance.randrange(120)}@example.com,{chance.randrange(18, 80)},{chance.choice(['yes', 'no'])}"
        for _ in range(2000)
    ]
    (tmp_path / "data.csv").write_text("\n".join(["email,age,churned", *rows, ""]))
    project = install("xgboost", sdk)
    arguments = (
        f"--data {tmp_path}/data.csv --target churned --output_dir {tmp_path} --extras_seconds 300 --allow_useless"
    )
    printed = shell(project, f"timeout 400 .venv/bin/python -m xgboostserver.trainer {arguments}")
    assert "Compiled model: model.onnx agrees on 400 rows" in printed
    assert "model.onnx" in json.loads((tmp_path / "0001" / "metadata.json").read_text())["files"]


class Training:
    """The training command of a project whose conversion ends as `ending` says, in a process of its own."""

    def __init__(self, project: Path, folder: Path, ending: str) -> None:
        self.folder, self.package = folder, project / f"{project.name}server"
        self.python = project / ".venv/bin/python"
        self.output, self.temporary = folder / "versions", folder / "tmp"
        self.temporary.mkdir()
        self.started: list[subprocess.Popen[str]] = []
        shutil.copytree(self.package, folder / self.package.name)
        with (folder / self.package.name / "trainer" / "model.py").open("a") as code:
            code.write(ending)

    def start(self, seconds: float) -> subprocess.Popen[str]:
        command = [self.python, "-m", f"{self.package.name}.trainer", "--output_dir", self.output]
        process = subprocess.Popen(
            [*map(str, command), "--extras_seconds", str(seconds)],
            cwd=self.folder,  # where Python finds the changed package first
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def children(self) -> list[str]:
        """The processes that convert a model of this training's."""
        found = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = command.read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has ended
                continue
            if "training.extras" in text and str(self.output) in text:
                found.append(text)
        return found

    def check(self, version: str, *extras: str) -> None:
        """The version is whole, has these extras, can be loaded, and nothing else is left."""
        files = {path.name for path in (self.output / version).iterdir()}
        assert files == {"drift.json", "input.json", "metadata.json", "metadata.sha256", "model.joblib", *extras}
        program = f"from {self.package.name}.trainer.model import MyModel; MyModel(dirpath='{self.output / version}')"
        subprocess.run([self.python, "-c", program], cwd=self.folder, check=True)
        until(lambda: not self.children())
        assert list(self.temporary.iterdir()) == []


@pytest.fixture
def training(install: Install, tmp_path: Path) -> Iterator[Callable[[str], Training]]:
    made: list[Training] = []

    def make(ending: str) -> Training:
        made.append(Training(install("sklearn", "kserve"), tmp_path, ending))
        return made[-1]

    yield make
    for process in (process for run in made for process in run.started):
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("ending", "reason", "report"),
    [
        (
            ENDLESS,
            "the conversion took longer than 2 seconds; --extras_seconds allows more.",
            ", without the importance of 4 columns: there was no time",
        ),
        (KILLED, "the conversion was ended by SIGKILL, as the system does when memory runs out.", ""),
    ],
    ids=["endless", "killed"],
)
def test_a_conversion_that_fails_costs_no_model(
    training: Callable[[str], Training], ending: str, reason: str, report: str
) -> None:
    run = training(ending)
    process = run.start(2 if ending == ENDLESS else 300)
    printed, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    notes = f"No compiled model: {reason}\nReport: report.html{report}\n"
    assert printed.endswith(f"\n{notes}Saved: {run.output / '0001'}\n")
    run.check("0001", "report.html", "report.json", "MODEL_CARD.md")


def test_ctrl_c_ends_the_conversion_and_leaves_the_model(training: Callable[[str], Training]) -> None:
    """A second training beside it takes the next number, and leaves the first one's draft alone."""
    run = training(ENDLESS)
    first = run.start(600)
    until(run.children)
    second = run.start(0)
    printed, errors = second.communicate(timeout=120)
    notes = "No compiled model: --extras_seconds is 0.\nNo report: --extras_seconds is 0.\n"
    assert printed.endswith(f"\n{notes}Saved: {run.output / '0002'}\n"), errors
    os.killpg(first.pid, signal.SIGINT)
    printed, errors = first.communicate(timeout=60)
    assert (first.returncode, errors) == (130, "Interrupted.\n")
    saved = f"Saved: {run.output / '0001'}\n"
    notes = "No compiled model: the conversion was interrupted.\nNo report: it was interrupted.\n"
    assert printed.endswith(f"\n{notes}{saved}")
    run.check("0001")


def test_a_killed_training_leaves_no_process_and_the_next_one_finishes_its_model(
    training: Callable[[str], Training],
) -> None:
    run = training(ENDLESS)
    first = run.start(600)
    until(run.children)
    first.kill()
    first.communicate(timeout=60)
    until(lambda: not run.children())
    assert [path.name for path in run.output.iterdir()] == [".0001.partial"]
    printed, errors = run.start(0).communicate(timeout=120)
    assert printed.startswith(f"Saved: {run.output / '0001'}, which an earlier training left unfinished\n"), errors
    assert printed.endswith(f"Saved: {run.output / '0002'}\n")
    run.check("0001")


@pytest.mark.parametrize("sdk", ["kserve", "kfserving"])
def test_what_is_missing_in_the_file_is_missing_in_requests(install: Install, tmp_path: Path, sdk: str) -> None:
    """Customers from Namibia leave, and those whose country nobody knows stay."""
    project = install("sklearn", sdk)
    names = ["NA", "", "null", "None"] * 40
    leaves = {"NA": "churn", "": "stay", "null": "churn", "None": "stay"}
    rows = [f"{name},{at % 9},{leaves[name]}" for at, name in enumerate(names)]
    (tmp_path / "data.csv").write_text("\n".join(["country,visits,outcome", *rows, ""]))
    arguments = f"--data {tmp_path}/data.csv --target outcome --output_dir {tmp_path}"
    shell(project, f".venv/bin/python -m sklearnserver.trainer {arguments}")
    asked: list[str | None] = ["NA", "", "null", "None", None]
    expected = ["churn", "stay", "churn", "stay", "stay"]
    tensors = [
        {"name": "country", "datatype": "BYTES", "shape": [5], "data": asked},
        {"name": "visits", "datatype": "FP64", "shape": [5], "data": [4.0] * 5},
    ]
    with Server(project, MODEL_DIR=str(tmp_path)) as server:
        v1, v2 = f"/v1/models/{server.model}:predict", f"/v2/models/{server.model}/infer"
        rows_asked = {"instances": [[name, 4] for name in asked]}
        records = {"instances": [{"country": name, "visits": 4} for name in asked]}
        for body in (rows_asked, records):
            assert server.client.post(v1, json=body).json() == {"predictions": expected}
        (output,) = server.client.post(v2, json={"inputs": tensors}).json()["outputs"]
        assert output["data"] == expected
