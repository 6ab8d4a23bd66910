"""`make update` and tools/update: projects of each release, with edits everywhere, brought to today's template.

Most act on bakes, and install nothing: the answers to "is an edit lost?" are in the files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter
from copying import copy_template
from facts import FLAVOURS, SDKS, TEMPLATE, find_python
from needed import needed_python
from running import shell
from test_bake import files

UPDATER = TEMPLATE / "tools" / "update"
RELEASES: dict[str, str] = json.loads((UPDATER / "releases.json").read_text())
STATE = ".cruft.json"
#: Of the owner's, and unknown to any template.
EXTRA = "{package}/trainer/features.py", "k8s/production/kustomization.yaml", "data/customers.csv"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(project: Path) -> None:
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Before the update")


@pytest.fixture(scope="session", params=RELEASES)
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of each release."""
    shallow = git(TEMPLATE, "rev-parse", "--is-shallow-repository")
    if shallow.strip() == "true":
        pytest.skip("this clone has no history: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("release")
    archive = subprocess.run(["git", "archive", RELEASES[request.param]], cwd=TEMPLATE, capture_output=True, check=True)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as content:
        content.extractall(folder, filter="data")
    return folder


def generate(template: Path, folder: Path, framework: str, **answers: str) -> Path:
    context = {"framework_nm": framework, **answers}
    return Path(cookiecutter(str(template), no_input=True, extra_context=context, output_dir=str(folder)))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that today's template makes, committed."""
    project = generate(TEMPLATE, tmp_path, "sklearn")
    commit(project)
    return project


def update(project: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(UPDATER), str(project), *options]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def edit(project: Path) -> dict[str, bytes]:
    """Edit all of the owner's files as owners do: a line of theirs at the end of each, which goes with its format."""
    package = f"{project.name}server"
    edited = {}
    for name in sorted(files(project)):
        file = project / name
        if name.startswith((f"{package}/_engine/", ".git/")) or name == STATE or b"\0" in file.read_bytes():
            continue
        mark = f" edited {name}\n"
        file.write_bytes(file.read_bytes() + (mark if name.endswith((".json", ".lock")) else f"#{mark}").encode())
        edited[name] = mark.encode()
    for name in (extra.format(package=package) for extra in EXTRA):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"mine: {name}\n")
        edited[name] = f"mine: {name}\n".encode()
    return edited


def engine(project: Path) -> dict[str, bytes]:
    folder = project / f"{project.name}server" / "_engine"
    return {name: (folder / name).read_bytes() for name in files(folder)}


def contents(project: Path) -> dict[str, bytes]:
    return {name: (project / name).read_bytes() for name in sorted(files(project)) if not name.startswith(".git/")}


@pytest.mark.parametrize(("framework", "sdk"), FLAVOURS)
def test_no_edit_is_lost_and_the_engine_is_todays(
    released: Path, bake: Callable[..., Path], tmp_path: Path, framework: str, sdk: str
) -> None:
    """Of any release, of any file; with the answers that were given then, which the old project's files show."""
    answers = {
        "serving_sdk": sdk,
        "model_name": "churn",
        "image_registry": "localhost:5000/team",
        "namespace": "scoring",
    }
    project = generate(released, tmp_path, framework, **answers)
    then, edited = files(project), edit(project)
    commit(project)
    done = update(project, "--no-tests")
    # The template has changed some files where they were edited, too. Both are in there, and said.
    conflicts = {name for name in files(project) if b"<<<<<<<" in (project / name).read_bytes()}
    assert conflicts <= edited.keys()
    assert done.returncode == bool(conflicts), done.stdout + done.stderr
    said = re.search(r"Resolve the conflicts in (.+)\.\n", done.stdout)
    assert conflicts == (set(said[1].split(", ")) if said else set())

    for name, mark in edited.items():
        beside = project.glob(f"{name}.yours")
        assert any(mark in path.read_bytes() for path in (project / name, *beside)), name
    new = bake(framework, **answers)
    assert engine(project) == engine(new)
    written = json.loads((project / STATE).read_text())
    assert written == json.loads((new / STATE).read_text())
    assert all((project / name).read_bytes() == (new / name).read_bytes() for name in files(new) - then - edited.keys())


@pytest.mark.parametrize("ci", ["", "none"])
def test_a_question_that_was_not_asked_then_has_its_default(released: Path, tmp_path: Path, ci: str) -> None:
    """Or what the update was told; the next one remembers."""
    project = generate(released, tmp_path, "sklearn")
    for words in ([f"ci={ci}"] if ci else [], []):
        commit(project)
        done = update(project, *words, "--no-tests")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (project / ".github" / "workflows" / "ci.yml").exists() == (ci == "")
        assert json.loads((project / STATE).read_text())["context"]["cookiecutter"]["ci"] == (ci or "github")


def test_workflows_that_are_no_longer_wanted_go_unless_they_were_edited(project: Path) -> None:
    with (project / ".github" / "workflows" / "ci.yml").open("a") as workflow:
        workflow.write("# mine\n")
    commit(project)
    done = update(project, "ci=none", "--no-tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in project.glob(".github/**/*.yml")] == ["ci.yml"]
    assert ".github/workflows/ci.yml" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("sdk", SDKS)
def test_an_edited_project_of_each_release_is_green_afterwards(
    released: Path, install: Callable[[str, str], Path], tmp_path: Path, sdk: str
) -> None:
    """Its tests are run by the update, and its lock holds what its owner added to the requirements."""
    project = generate(released, tmp_path, "sklearn", serving_sdk=sdk)
    trainer = project / "sklearnserver" / "trainer"
    for name, before, after in (
        ("postprocessor.py", "return y_hat", 'return np.array(["setosa", "versicolor", "virginica"])[y_hat]'),
        ("preprocessor.py", "    return X\n\n\ndef make", "    return np.clip(X, 0, 10)\n\n\ndef make"),
        ("model.py", "compress=3", "compress=9"),
    ):
        assert (trainer / name).read_text().count(before) == 1
        (trainer / name).write_text((trainer / name).read_text().replace(before, after))
    with (project / "requirements.txt").open("a") as requirements:
        requirements.write("tabulate==0.9.0\n")
    commit(project)
    (project / ".venv").symlink_to(install("sklearn", sdk) / ".venv")
    (project / ".git" / "info" / "exclude").write_text(".venv\n")
    # The project's own code answers, and nothing is installed: the environment is shared.
    done = update(project, PYTHONPATH=str(project), MAKEFLAGS="-- INSTALL=true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout and "tests fail" not in done.stdout
    assert "tabulate==0.9.0 " in (project / "requirements.lock").read_text()


@pytest.mark.slow
def test_an_old_python_runs_the_updater_with_uv_and_is_told_so_without(project: Path) -> None:
    """As that of a project of KFServing, which has no cookiecutter."""
    python = find_python("3.9") or needed_python("3.8")
    uv = shutil.which("uv")
    assert uv
    for path, status, said in (
        (f"{Path(uv).parent}:/usr/bin:/bin", 0, "There is nothing to bring in."),
        ("/usr/bin:/bin", 1, "or newer is needed: name one, PYTHON=..., or install uv."),
    ):
        command = [python, str(UPDATER), str(project), "--no-tests"]
        variables = {**os.environ, "PATH": path}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert said in done.stdout + done.stderr


def test_what_you_answer_now_counts(project: Path) -> None:
    done = update(project, "--no-tests", "model_name=churn")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MODEL_NAME = churn" in (project / "Makefile").read_text()
    assert json.loads((project / STATE).read_text())["context"]["cookiecutter"]["model_name"] == "churn"


def test_a_check_changes_nothing_and_says_what_an_update_would_do(released: Path, tmp_path: Path) -> None:
    project = generate(released, tmp_path, "sklearn")
    edit(project)
    before = contents(project)
    done = update(project, "--check")
    assert done.returncode == 0, done.stderr
    assert "Nothing was changed" in done.stdout
    assert "your edits and the template's are both in it".capitalize() in done.stdout and "  Makefile\n" in done.stdout
    assert contents(project) == before


def test_an_update_to_the_same_template_changes_nothing(project: Path, tmp_path: Path) -> None:
    """Neither there nor in the home folder, where cookiecutter would keep the answers."""
    (tmp_path / "home").mkdir()
    done = update(project, "--no-tests", HOME=str(tmp_path / "home"))
    assert not list((tmp_path / "home").iterdir())
    assert done.returncode == 0 and "There is nothing to bring in." in done.stdout
    assert git(project, "status", "--porcelain") == ""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A clone of this template, as it is on disk, in which there is a newer commit."""
    clone = tmp_path / "newer"
    copy_template(clone)
    commit(clone)
    return clone


def change_template(clone: Path, name: str, before: str, after: str) -> None:
    """Commit a change of a file of what the template makes."""
    file = clone / "{{cookiecutter.framework_nm}}" / name
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))
    git(clone, "commit", "--quiet", "--all", "--message", "Change")


HELP = ".DEFAULT_GOAL := help"


def make_update(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`make update`, as its owner types it."""
    command = ["make", "update", f"PYTHON={sys.executable}", "ARGS=--no-tests", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("address", ["", "folder", "file"])
def test_make_update_runs_the_updater_of_the_template_that_it_gets(tmp_path: Path, newer: Path, address: str) -> None:
    """From the address that is written down, or from one that is named: a folder, or what git clones."""
    project = generate(newer, tmp_path, "sklearn")
    commit(project)
    (project / "Makefile").write_text((project / "Makefile").read_text() + "mine:\n")
    git(project, "commit", "--quiet", "--all", "--message", "Mine")
    change_template(newer, "Makefile", HELP, f"# Changed.\n{HELP}")
    change_template(newer, "../tools/update/updating.py", "Done. What is left", "Done by the newer one. What is left")
    named = {"": [], "folder": [f"TEMPLATE={newer}"], "file": [f"TEMPLATE=file://{newer}"]}[address]
    done = make_update(project, *named)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done by the newer one." in done.stdout
    text = (project / "Makefile").read_text()
    assert "# Changed.\n" in text and text.endswith("mine:\n")
    state = json.loads((project / STATE).read_text())
    assert state["template"] == (f"file://{newer}" if address == "file" else str(newer))
    assert state["commit"] == git(newer, "rev-parse", "HEAD").strip()


def test_both_sides_of_a_conflict_are_in_the_file_and_it_is_said(tmp_path: Path, newer: Path) -> None:
    project = generate(newer, tmp_path, "sklearn")
    file = project / "Makefile"
    file.write_text(file.read_text().replace(HELP, ".DEFAULT_GOAL := mine"))
    commit(project)
    change_template(newer, "Makefile", HELP, ".DEFAULT_GOAL := theirs")
    done = make_update(project)
    assert done.returncode != 0
    assert "Resolve the conflicts in Makefile." in done.stdout
    text = file.read_text()
    assert "<<<<<<< yours\n.DEFAULT_GOAL := mine\n" in text and ".DEFAULT_GOAL := theirs\n>>>>>>> template now" in text


def test_lines_that_end_as_on_windows_are_merged_and_stay_so(tmp_path: Path, newer: Path) -> None:
    project = generate(newer, tmp_path, "sklearn")
    file = project / "Makefile"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n") + b"# mine\r\n")
    commit(project)
    change_template(newer, "Makefile", HELP, f"# Changed.\n{HELP}")
    command = [sys.executable, str(newer / "tools" / "update"), str(project), "--no-tests"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_bytes()
    assert b"# Changed.\r\n" in text and text.endswith(b"# mine\r\n") and text.count(b"\n") == text.count(b"\r\n")


@pytest.mark.parametrize("force", [False, True])
def test_an_edited_engine_is_shown_and_replaced_only_if_you_say_so(tmp_path: Path, newer: Path, force: bool) -> None:
    project = generate(newer, tmp_path, "sklearn")
    name = "sklearnserver/_engine/contract/signature.py"
    (project / name).write_text((project / name).read_text() + "# mine\n")
    commit(project)
    before = contents(project)
    done = make_update(project, *(["FORCE_ENGINE=1"] if force else []))
    assert "+# mine" in done.stdout
    if force:
        assert done.returncode == 0, done.stderr
        assert (project / f"{name}.yours").read_bytes() == before[name]
        assert "# mine" not in (project / name).read_text()
    else:
        assert done.returncode != 0 and "make update FORCE_ENGINE=1" in done.stderr
        assert contents(project) == before


def spoil_state(project: Path) -> None:
    (project / STATE).write_text("{}")
    git(project, "commit", "--quiet", "--all", "--message", "Spoilt")


#: What makes an update impossible, the options with which it is asked for, and a part of the sentence that says so.
IMPOSSIBLE: dict[str, tuple[Callable[[Path], Any], list[str], str]] = {
    "no git": (lambda project: shutil.rmtree(project / ".git"), [], "git init\n    git add --all"),
    "uncommitted": (lambda project: (project / "Makefile").write_text("mine"), [], " M Makefile"),
    "untracked": (lambda project: (project / "mine.py").touch(), [], "?? mine.py"),
    "no project": (lambda project: shutil.rmtree(project / "sklearnserver"), [], "is no project of this template"),
    "state": (spoil_state, [], ".cruft.json is not as a bake or cruft writes it"),
    "an answer": (lambda project: None, ["image_tag=not a tag"], 'image_tag "not a tag"'),
    "another framework": (lambda project: None, ["framework_nm=xgboost"], "An update keeps the framework."),
    "no answer": (lambda project: None, ["churn"], '"churn" is no answer'),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_updated_is_refused_in_a_sentence_and_stays_as_it_is(project: Path, case: str) -> None:
    spoil, options, said = IMPOSSIBLE[case]
    spoil(project)
    before = contents(project)
    done = update(project, *options)
    assert done.returncode != 0
    assert said in done.stderr and "Traceback" not in done.stderr
    assert contents(project) == before


@pytest.mark.parametrize(
    ("address", "said"),
    [("/nonsense", "/nonsense"), ("file:///nonsense", "TEMPLATE="), ("file://me:secret@host/x", "host")],
)
def test_a_template_that_cannot_be_had_is_named_without_a_password(project: Path, address: str, said: str) -> None:
    done = make_update(project, f"TEMPLATE={address}")
    assert done.returncode != 0
    assert said in done.stderr and "secret" not in done.stderr and "Traceback" not in done.stderr


def test_where_the_template_of_then_is_not_known_both_are_kept(tmp_path: Path, newer: Path) -> None:
    """As of a commit that was never pushed."""
    project = generate(newer, tmp_path, "sklearn")
    state = json.loads((project / STATE).read_text())
    (project / STATE).write_text(json.dumps({**state, "commit": "0" * 40}))
    (project / "Makefile").write_text((project / "Makefile").read_text() + "mine:\n")
    commit(project)
    mine = (project / "Makefile").read_bytes()
    change_template(newer, "Makefile", HELP, f"# Changed.\n{HELP}")
    change_template(newer, "setup.py", "from setuptools", "# Changed.\nfrom setuptools")
    shutil.rmtree(newer / ".git")  # nor are the releases known there
    done = make_update(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot be merged" in done.stdout
    assert (project / "Makefile").read_bytes() == mine
    assert b"# Changed.\n" in (project / "Makefile.template").read_bytes()
    assert "# Changed.\n" in (project / "setup.py").read_text()


def test_a_bake_writes_down_template_commit_and_answers(tmp_path: Path, newer: Path) -> None:
    """In cruft's format, by whatever name the template was called; an unpacked archive has its release instead."""
    answers = ["--no-input", "framework_nm=sklearn", "model_name=churn"]
    head = git(newer, "rev-parse", "HEAD").strip()
    for at, typed in enumerate([str(newer), f"../{newer.name}", f"git+file://{newer}"]):
        folder = tmp_path / f"from-{at}"
        folder.mkdir()
        config = {"cookiecutters_dir": str(folder / "clones"), "replay_dir": str(folder / "replay")}
        (folder / "config.yaml").write_text(json.dumps(config))
        command = [sys.executable, "-m", "cookiecutter", "--config-file", "config.yaml", typed, *answers]
        shell(folder, " ".join(command))
        state = json.loads((folder / "sklearn" / STATE).read_text())
        assert state["template"] == (f"file://{newer}" if ":" in typed else str(newer))
        assert (state["commit"], state["checkout"], state["directory"]) == (head, None, None)
        assert state["context"]["cookiecutter"]["model_name"] == "churn"
        assert not any(question.startswith("_") for question in state["context"]["cookiecutter"])
    shutil.rmtree(newer / ".git")
    state = json.loads((generate(newer, tmp_path, "sklearn") / STATE).read_text())
    assert state["commit"] == (tmp_path / "sklearn" / "sklearnserver" / "_engine" / "VERSION").read_text().strip()


def test_cruft_checks_and_updates_a_project(tmp_path: Path, newer: Path) -> None:
    """And what it writes can be updated by `make update` again."""
    cruft = [sys.executable, "-m", "cruft"]
    project = generate(newer, tmp_path, "sklearn")
    (project / "Makefile").write_text((project / "Makefile").read_text() + "mine:\n")
    commit(project)
    assert subprocess.run([*cruft, "check"], cwd=project, capture_output=True).returncode == 0
    change_template(newer, "Makefile", HELP, f"# Changed.\n{HELP}")
    assert subprocess.run([*cruft, "check"], cwd=project, capture_output=True).returncode == 1
    variables = {**os.environ, "HOME": str(tmp_path)}
    run = subprocess.run(
        [*cruft, "update", "--skip-apply-ask"], cwd=project, env=variables, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    text = (project / "Makefile").read_text()
    assert "# Changed.\n" in text and text.endswith("mine:\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "By cruft")
    change_template(newer, "Makefile", HELP, f"# Again.\n{HELP}")
    done = make_update(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# Again.\n" in (project / "Makefile").read_text()


def test_each_release_has_its_notes() -> None:
    text = (TEMPLATE / "docs" / "updating.md").read_text()
    assert all(f"\n## From {release}\n\n- " in text for release in RELEASES)
