"""docs/migrating-to-2.md, command by command, on a project that the first version made and its owner edited."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter
from facts import FRAMEWORKS, TEMPLATE, VARIANTS
from running import borrow, shell

pytestmark = pytest.mark.slow

#: The last commit of the first version.
FIRST = "304b7fb"
#: The owner's edits, by file: what is replaced, and by what.
EDITS = {
    "preprocessor.py": ("return X\n\n\ndef make", "return np.column_stack([X, X[:, 0] * X[:, 1]])\n\n\ndef make"),
    "postprocessor.py": ("return y_hat", 'return np.array(["setosa", "versicolor", "virginica"])[y_hat]'),
    "model.py": ("LogisticRegression(max_iter=1000)", "LogisticRegression(max_iter=2000, C=0.5)"),
}


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=TEMPLATE, capture_output=True, check=True).stdout


@pytest.fixture
def history() -> None:
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip("this clone has no history: git fetch --unshallow")


@pytest.fixture
def project(history: None, tmp_path: Path) -> Path:
    """A project of the first version under git, with edits in its three files, and not yet installed."""
    template = tmp_path / "first"
    template.mkdir()
    archive = git("archive", FIRST)
    subprocess.run(["tar", "-x", "-C", str(template)], input=archive, check=True)
    answers = {"framework_nm": "sklearn"}
    project = Path(cookiecutter(str(template), no_input=True, extra_context=answers, output_dir=str(tmp_path)))
    shell(project, "git init --quiet && git config user.email a@example.com && git config user.name Ann")
    for name, (before, after) in EDITS.items():
        file = project / "sklearnserver" / "trainer" / name
        assert file.read_text().count(before) == 1, name
        file.write_text(file.read_text().replace(before, after))
    return project


def test_a_project_of_the_first_version_moves_to_the_engine(project: Path, install: Callable[[str, str], Path]) -> None:
    """Its owner's edits stay, its model is served, its tests and checks pass, and nothing of the old code is left."""
    borrow(project, install("sklearn", "kserve") / ".venv")
    # The first version's own code answers here, not the package that the environment was made for.
    shell(project, "make train", PYTHONPATH=str(project))
    text = (TEMPLATE / "docs" / "migrating-to-2.md").read_text()
    commands = "".join(re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    commands = commands.replace(
        "make install\n", "touch --date=@0 setup.py requirements.txt requirements.lock\nmake install\n"
    )
    shell(project, commands, PATH=path, PYTHONPATH=str(project), TEMPLATE=str(TEMPLATE))

    package = project / "sklearnserver"
    for name, (_, after) in EDITS.items():
        assert after.strip().splitlines()[0] in (package / "trainer" / name).read_text()
    assert sorted(file.name for file in (package / "inferencer").glob("*.py")) == sorted(
        file.name for file in (install("sklearn", "kserve") / "sklearnserver" / "inferencer").glob("*.py")
    )
    answer = "from sklearnserver.trainer.model import MyModel; m = MyModel(dirpath='sklearnserver/trainer/0001'); "
    printed = shell(project, f'.venv/bin/python -c "{answer}print(m.predict(m.example))"', PYTHONPATH=str(project))
    assert "setosa" in printed


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_owners_model_has_what_the_files_beside_it_take_from_it(history: None, framework: str) -> None:
    """`model.py` stays the first version's, and today's `importing.py` comes beside it."""
    trainer = VARIANTS / "frameworks" / framework / "trainer"
    beside = [path.read_text() for path in trainer.glob("*.py") if path.name != "model.py"]
    taken = ", ".join(re.findall(r"^ *from \.model import (.+)$", "\n".join(beside), re.MULTILINE))
    theirs = git("show", f"{FIRST}:{(trainer / 'model.py').relative_to(TEMPLATE)}").decode()
    assert [name for name in taken.split(", ") if name and f"def {name}(" not in theirs] == []
