"""The edits that the README's "three files" proposes: each, and some together, leave a project whose tests and lint are
green, and whose server answers. Before training again, what no longer fits is named in a sentence.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from running import borrow, free_port, serving, shell

pytestmark = pytest.mark.slow

#: In each file, text and what the owner writes in its place.
Changes = dict[str, dict[str, str]]


class Edit(NamedTuple):
    """What the owner writes, and how they train then."""

    changes: Changes
    args: str = ""


def prepare(line: str) -> Changes:
    """Write a line into `prep_func`."""
    end = "    return X\n\n\ndef make_encoder"
    return {"preprocessor.py": {end: f"    {line}\n{end}"}}


def answer(expression: str) -> Changes:
    """Let `post_func` return something else."""
    return {"postprocessor.py": {"    return y_hat\n": f"    return {expression}\n"}}


CUSTOMERS = "--data customers.csv --target churned"
OWN_COLUMN = prepare('X = X.assign(age=X["age"].fillna(40.0), adult=(X["age"] >= 18).astype(float))')
LINEAR = "LogisticRegression(C=options.C, max_iter=1000)"
OWN_TREES = {
    "model.py": {
        f'"linear": {LINEAR} if classify else Ridge(1 / options.C)': '"trees": ensemble.ExtraTreesClassifier()',
        "        from sklearn.linear_model import LogisticRegression, Ridge\n": "",
    }
}
OWN_ESTIMATOR = {
    "utils.py": {
        'classes come from.\n"""\n': '''classes come from.
"""

from sklearn.linear_model import LogisticRegression


class Careful(LogisticRegression):
    """Regularised more than scikit-learn's."""

    def __init__(self, C: float = 0.1, max_iter: int = 1000) -> None:
        super().__init__(C=C, max_iter=max_iter)
'''
    },
    "model.py": {
        LINEAR: "Careful()",
        "import LogisticRegression, Ridge\n": "import Ridge\n\n        from .utils import Careful\n",
    },
}
EDITS = {
    "an own column": Edit(OWN_COLUMN, CUSTOMERS),
    "a derived feature": Edit(prepare("X = np.column_stack([X, X[:, 2] / X[:, 3]])")),
    "a dropped feature": Edit(prepare("X = X[:, :3]")),
    "named labels": Edit(answer('np.array(["setosa", "versicolor", "virginica"])[y_hat]')),
    "own trees": Edit(OWN_TREES),
    "an own estimator": Edit(OWN_ESTIMATOR),
    "missing values": Edit({}, CUSTOMERS),
    "rounded numbers": Edit(answer("y_hat.round(1)"), "--data customers.csv --target spent --allow_useless"),
    "together": Edit(
        OWN_COLUMN | answer('np.where(y_hat == "yes", "leaves", "stays").astype(object)') | OWN_ESTIMATOR, CUSTOMERS
    ),
}
#: Edits that the sample does not fit, and what the server says of it.
UNFIT = {
    "an own column": "no attribute 'assign'",
    "a derived feature": "INVALID_ARGUMENT",
    "a dropped feature": "INVALID_ARGUMENT",
}


@pytest.fixture
def project(bake: Callable[..., Path], environment: Path) -> Path:
    """A project, with a table of customers whose ages are not all known."""
    project = bake("sklearn")
    borrow(project, environment)
    rows = []
    for n in range(240):
        age, country, member = "" if n % 7 == 0 else n % 60, "DE" if n % 3 else "FR", n % 4 == 0
        rows.append(f"{age},{country},{member},{n * 37 % 101 / 4},{'yes' if n % 60 < 25 else 'no'}")
    (project / "customers.csv").write_text("\n".join(["age,country,member,spent,churned", *rows]))
    return project


def write(project: Path, changes: Changes) -> None:
    for name, texts in changes.items():
        file = project / "sklearnserver" / "trainer" / name
        for old, new in texts.items():
            content = file.read_text()
            assert content.count(old) == 1, f"{name} has no longer, or more than once: {old}"
            file.write_text(content.replace(old, new))


def fails(project: Path, command: str) -> str:
    """Run a command that does not succeed; returns what it printed."""
    run = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode != 0, run.stdout
    return run.stdout + run.stderr


def ask(project: Path) -> tuple[str, object]:
    """Serve the newest model that answers, and ask it; returns what the server printed, and its predictions."""
    port = free_port()
    command = f"make serve HTTP_PORT={port} GRPC_PORT={free_port()}"
    with serving(project, command, f"http://localhost:{port}/v2/health/ready"):
        answer = json.loads(shell(project, f"make predict HTTP_PORT={port}"))
    return (project.parent / "server.log").read_text(), answer["predictions"]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_project_is_green_once_it_is_trained(project: Path, edit: Edit) -> None:
    write(project, edit.changes)
    shell(project, f"make train ARGS='{edit.args}'")
    shell(project, "make test")
    shell(project, "make lint")
    log, predictions = ask(project)
    assert "trainer/0001" in log and "left out" not in log
    assert isinstance(predictions, list) and len(predictions) == 1


@pytest.mark.parametrize("name", UNFIT)
def test_what_no_longer_fits_is_named_with_the_reason_and_what_to_do(project: Path, name: str) -> None:
    """Of the model and of the place in the owner's code; with no traceback."""
    write(project, EDITS[name].changes)
    for command in ("make serve", "make test"):
        said = fails(project, command)
        assert "sklearnserver/example_models/0001 does not answer its own input.json with your code" in said
        assert UNFIT[name] in said and "train again" in said
        assert "Traceback" not in said and "/_engine/" not in said
    assert "There is nothing to serve: " in fails(project, "make serve")


def test_a_mistake_in_the_owners_code_is_shown_where_it_is(project: Path) -> None:
    """In a line where a model is to be served, and with the owner's part of the traceback in the tests."""
    write(project, prepare("X = undefined(X)"))
    assert "NameError: name 'undefined' is not defined (sklearnserver/trainer/preprocessor.py, line" in fails(
        project, "make serve"
    )
    assert "in prep_func\n    X = undefined(X)\n" in fails(project, "make test")


def test_serve_leaves_out_what_does_not_answer(project: Path) -> None:
    """Half a copy, a damaged file, a folder of something else; but not where the owner names the model."""
    trainer = project / "sklearnserver" / "trainer"
    shell(project, "make train && make train && make train")
    (trainer / "0002" / "model.onnx").write_bytes(b"damaged")
    (trainer / "0003" / "input.json").unlink()
    (trainer / "0004").mkdir()
    log, predictions = ask(project)
    left_out = [line.partition(" is left out: ")[0] for line in log.splitlines() if "left out" in line]
    assert left_out == [f"sklearnserver/trainer/000{n}" for n in (4, 3, 2)]
    assert "trainer/0001" in log and predictions == [0]

    said = fails(project, "make serve MODEL_DIR=sklearnserver/trainer/0003")
    assert "The server cannot start: sklearnserver/trainer/0003/input.json is missing" in said
