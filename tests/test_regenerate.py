"""Generating again over a project that is there (`cookiecutter -f`): what is renewed, what is kept, what is said."""

from __future__ import annotations

import hashlib
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter
from facts import SDKS, TEMPLATE, VARIANTS, find_python
from running import shell
from test_bake import files

DIGESTS = "sklearnserver/_engine/DIGESTS"
#: What the template writes down of itself, anew each time: no edit is looked for in these.
OWN = {DIGESTS, ".cruft.json"}
OWNED = [f"sklearnserver/trainer/{name}.py" for name in ("model", "preprocessor", "postprocessor")]
#: Files of the owner's that no template knows, in the places where they are likely.
EXTRA = [
    ".git/HEAD",
    ".venv/bin/python",
    ".venv/pyvenv.cfg",
    "data/customers.csv",
    "k8s/notes.txt",
    "k8s/ours/kustomization.yaml",
    "k8s/training/our-volume.yaml",
    "notebook.ipynb",
    "sklearnserver/example_models/0001/mine.txt",
    "sklearnserver/example_models/0002/metadata.json",
    "sklearnserver/inferencer/middleware.py",
    "sklearnserver/ours/__init__.py",
    "sklearnserver/trainer/0001/model.joblib",
    "sklearnserver/trainer/features.py",
]


def generate(folder: Path, sdk: str = "kserve", *options: str) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter as a user does."""
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "framework_nm=sklearn", *options]
    return subprocess.run([*command, f"serving_sdk={sdk}"], cwd=folder, capture_output=True, text=True, check=False)


def again(folder: Path, sdk: str = "kserve") -> str:
    """Generate over the project in the folder; returns what it said."""
    run = generate(folder, sdk, "--overwrite-if-exists")
    assert run.returncode == 0, run.stdout + run.stderr
    assert not (folder / "sklearn" / "variants").exists()
    return run.stdout


def write(project: Path, names: list[str]) -> None:
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"mine: {name}")


def contents(project: Path, names: list[str] | None = None) -> dict[str, bytes]:
    return {name: (project / name).read_bytes() for name in names or sorted(files(project))}


def edit(project: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Add a line to files; returns what they hold then."""
    for name in names:
        (project / name).write_bytes((project / name).read_bytes() + b"# edited\n")
    return contents(project, list(names))


def named(said: str) -> tuple[set[str], set[str]]:
    """The files that are said to be kept, and the copies of those that were written anew."""
    paragraphs = said.split("\n\n")
    kept, saved = (
        {
            line.strip()[len("sklearn/") :]
            for at, paragraph in enumerate(paragraphs[:-1])
            if paragraph.startswith(start)
            for line in paragraphs[at + 1].splitlines()
        }
        for start in ("Kept with your edits", "Replaced.")
    )
    return kept, saved


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project, in a folder of its own."""
    assert generate(tmp_path).returncode == 0
    return tmp_path / "sklearn"


@pytest.mark.parametrize("then", [["kserve", "kserve"], ["kfserving", "kserve"], ["kfserving", "kfserving"]])
def test_what_is_yours_is_kept_and_all_else_is_as_in_a_new_project(
    project: Path, bake: Callable[..., Path], then: list[str]
) -> None:
    """However often, and with the other SDK: its files come, and those that only the first one has go."""
    write(project, [*OWNED, *EXTRA])
    for sdk in then:
        again(project.parent, sdk)
        mine = contents(project, [*OWNED, *EXTRA])
        assert mine == {name: f"mine: {name}".encode() for name in mine}
        new = contents(bake("sklearn", serving_sdk=sdk))
        assert contents(project) == {**new, **mine}


def test_workflows_go_with_the_question_that_they_came_from(project: Path, bake: Callable[..., Path]) -> None:
    """Those that the owner edited, or wrote, stay."""
    edited, own = ".github/workflows/ci.yml", ".github/workflows/mine.yml"
    write(project, [edited, own])
    assert generate(project.parent, "kserve", "-f", "ci=none").returncode == 0
    new = contents(bake("sklearn", ci="none"))
    assert contents(project) == {**new, edited: f"mine: {edited}".encode(), own: f"mine: {own}".encode()}


def test_the_templates_version_of_what_was_kept_is_shown_by_the_commands_that_are_printed(project: Path) -> None:
    mine = [*OWNED, "Makefile"]
    before = contents(project, mine)
    edit(project, mine)
    for _ in range(2):
        lines = [line.strip() for line in again(project.parent).splitlines() if line.startswith("    ")]
    generate_elsewhere, *compare = lines[len(mine) :]
    path = f"PATH={Path(sys.executable).parent}:$PATH"
    shown = shell(
        project.parent, f"{path}; {generate_elsewhere} >&2; {'; '.join(f'{line} || true' for line in compare)}"
    )
    assert contents(project.parent / "template-of-sklearn" / "sklearn", mine) == before
    assert shown.count("> # edited") == len(mine)


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("older", [False, True], ids=["of this template", "of an older one"])
def test_no_edit_is_lost_and_each_is_named(project: Path, sdk: str, older: bool) -> None:
    """Of any file: it is kept, or a copy is beside it. An older template did not write down what it wrote."""
    if older:
        (project / DIGESTS).unlink()
    edited = edit(project, [name for name in files(project) if name not in OWN and not (older and "/_engine/" in name)])
    kept, saved = named(again(project.parent, sdk))
    assert {*kept, *(name[: -len(".yours")] for name in saved)} == set(edited)
    assert contents(project, sorted(kept)) == {name: edited[name] for name in kept}
    copies = contents(project, sorted(saved))
    assert {name[: -len(".yours")]: content for name, content in copies.items()} == {
        name: content for name, content in edited.items() if name not in kept
    }
    assert not (project / ".before").exists()


def test_what_you_edited_outside_of_the_engine_stays_in_its_place(project: Path) -> None:
    """Beside another SDK that is `trainer/` alone: the rest depends on the SDK."""
    mine = ["Makefile", "sklearnserver/trainer/utils.py", "sklearnserver/inferencer/__main__.py"]
    edit(project, [*mine, "sklearnserver/_engine/contract/signature.py"])
    assert named(again(project.parent)) == (set(mine), {"sklearnserver/_engine/contract/signature.py.yours"})
    kept, saved = named(again(project.parent, "kfserving"))
    assert kept == {"sklearnserver/trainer/utils.py"}
    assert saved == {"Makefile.yours", "sklearnserver/inferencer/__main__.py.yours"}


def test_copies_stay_and_none_is_written_over_another(project: Path) -> None:
    name = "sklearnserver/_engine/contract/signature.py"
    copies = {}
    for number in ("", "2", "3"):
        copies.update({f"{name}.yours{number}": edit(project, [name])[name] + number.encode()})
        (project / name).write_bytes(copies[f"{name}.yours{number}"])
        assert named(again(project.parent)) == (set(), {f"{name}.yours{number}"})
        assert contents(project, list(copies)) == copies


def test_what_an_older_template_wrote_and_nobody_edited_is_renewed_or_goes(
    project: Path, bake: Callable[..., Path]
) -> None:
    written = {"Makefile": b"old:\n", "sklearnserver/trainer/former.py": b"", "k8s/former/kustomization.yaml": b"{}\n"}
    lines = [line for line in (project / DIGESTS).read_text().splitlines() if not line.endswith("  Makefile")]
    for name, content in written.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}")
    (project / DIGESTS).write_text("\n".join([*lines, ""]))
    assert named(again(project.parent)) == (set(), set())
    assert contents(project) == contents(bake("sklearn"))


def test_the_list_of_what_was_written_is_as_sha256sum_takes_it(project: Path) -> None:
    shell(project, f"sha256sum --check --strict --quiet {DIGESTS}")
    assert {line.split("  ")[1] for line in (project / DIGESTS).read_text().splitlines()} == files(project) - OWN


def test_the_hooks_run_on_every_python_that_cookiecutter_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cookiecutter 2.6 is the last one for Python 3.7 to 3.9. It runs hooks by its own Python."""
    for version in range(7, 14):
        python = find_python(f"3.{version}")
        if python:
            monkeypatch.setattr(sys, "executable", python)
            for _ in range(2):
                answers = {"framework_nm": "sklearn"}
                cookiecutter(
                    str(TEMPLATE),
                    no_input=True,
                    extra_context=answers,
                    output_dir=str(tmp_path),
                    overwrite_if_exists=True,
                )
            assert not (tmp_path / "sklearn" / "variants").exists()
            shutil.rmtree(tmp_path / "sklearn")


def test_a_large_sample_of_yours_is_kept(project: Path) -> None:
    """Whatever its size: nothing is read into memory, or copied, to keep it."""
    sample = project / "sklearnserver/example_models/0001/model.joblib"
    with sample.open("wb") as file:
        file.truncate(2**32)
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert named(again(project.parent)) == (set(), {"sklearnserver/example_models/0001/model.joblib.yours"})
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < started + 2**20
    assert sample.with_name("model.joblib.yours").stat().st_size == 2**32


def test_a_link_of_yours_is_not_written_through(project: Path) -> None:
    """What it leads to may be another project's."""
    names = ["Makefile", OWNED[0], "sklearnserver/_engine/contract/signature.py"]
    edited = edit(project, names)
    for at, name in enumerate(names):
        (project / name).rename(project.parent / f"elsewhere-{at}")
        (project / name).symlink_to(project.parent / f"elsewhere-{at}")
    kept, saved = named(again(project.parent))
    assert kept | saved == {*names[:2], f"{names[2]}.yours"}
    for at, name in enumerate(names):
        assert (project.parent / f"elsewhere-{at}").read_bytes() == edited[name]
        assert (project / (name if name in kept else f"{name}.yours")).is_symlink()


def test_files_that_may_only_be_read_are_renewed_and_kept(project: Path) -> None:
    edited = edit(project, ["Makefile", "sklearnserver/trainer/utils.py"])
    for name in files(project):
        (project / name).chmod(0o444)
    assert named(again(project.parent)) == (set(edited), set())
    assert contents(project, list(edited)) == edited


def test_after_a_run_that_was_killed_all_is_there(project: Path, bake: Callable[..., Path]) -> None:
    """At whatever moment: here, when cookiecutter had half of the files written anew."""
    edited = edit(project, ["Makefile", OWNED[0], "sklearnserver/_engine/VERSION"])
    write(project, EXTRA)
    mine = contents(project, EXTRA)
    for name in [*edited, "sklearnserver/_engine/DIGESTS", "sklearnserver/_engine/__init__.py"]:
        (project / ".before" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).rename(project / ".before" / name)
    (project / "Makefile").write_text("half a Make")
    assert named(again(project.parent)) == ({"Makefile", OWNED[0]}, {"sklearnserver/_engine/VERSION.yours"})
    assert contents(project, ["Makefile", OWNED[0]]) == {name: edited[name] for name in ("Makefile", OWNED[0])}
    assert contents(project, EXTRA) == mine
    assert not (project / ".before").exists()


def test_where_files_cannot_be_moved_the_project_is_as_it_was(project: Path) -> None:
    before = contents(project)
    (project / ".before").write_text("a file of mine")
    run = generate(project.parent, "kserve", "--overwrite-if-exists")
    assert run.returncode != 0
    assert "The project was not changed, because one of its files cannot be moved: " in run.stderr
    assert ".before" in run.stderr
    assert contents(project) == {**before, ".before": b"a file of mine"}


def test_all_that_was_written_over_an_older_templates_project_is_on_the_list(project: Path) -> None:
    """So that the next renewal names only what was edited since."""
    write(project, ["sklearnserver/trainer/features.py"])
    (project / DIGESTS).unlink()
    again(project.parent)
    shell(project, f"sha256sum --check --strict --quiet {DIGESTS}")
    listed = {line.split("  ")[1] for line in (project / DIGESTS).read_text().splitlines()}
    assert listed == files(project) - OWN - {"sklearnserver/trainer/features.py"}


def test_files_that_are_still_the_templates_are_not_named(project: Path) -> None:
    """Nor of those in which git changed no more than the ends of the lines."""
    model = project / OWNED[0]
    model.write_bytes(model.read_bytes().replace(b"\n", b"\r\n"))
    assert "Kept" not in again(project.parent)
    assert b"\r" not in model.read_bytes()


def test_a_file_that_you_removed_comes_back(project: Path) -> None:
    (project / OWNED[1]).unlink()
    assert "Kept" not in again(project.parent)
    assert (project / OWNED[1]).is_file()


def test_a_file_of_yours_may_have_a_name_that_only_the_other_sdk_uses(project: Path) -> None:
    write(project, ["sklearnserver/inferencer/handlers.py"])
    again(project.parent)
    assert "mine" in (project / "sklearnserver/inferencer/handlers.py").read_text()


def test_two_sdks_files_that_lie_beside_each_other_are_parted(project: Path, bake: Callable[..., Path]) -> None:
    """As earlier versions of this template left them."""
    for sdk in ("kfserving", "kserve"):
        shutil.copytree(VARIANTS / "sdks" / sdk, project / "sklearnserver", dirs_exist_ok=True)
    (project / DIGESTS).unlink()
    shutil.copytree(VARIANTS, project / "variants")
    again(project.parent)
    assert {**contents(project), DIGESTS: b""} == {**contents(bake("sklearn")), DIGESTS: b""}


def test_a_change_of_the_sdk_says_what_becomes_of_the_environment(project: Path) -> None:
    (project / ".venv").mkdir()
    assert ".venv" not in again(project.parent)
    said = again(project.parent, "kfserving")
    assert "sklearn/.venv still holds what KServe needs" in said


def test_a_failure_says_what_is_wrong_and_leaves_no_part_of_the_template_behind(project: Path) -> None:
    """Once the cause is gone and the command is repeated, the project is complete."""
    write(project, OWNED)
    edit(project, ["Makefile"])
    core = project / "sklearnserver" / "trainer" / "_core.py"
    core.unlink()
    core.mkdir()
    run = generate(project.parent, "kserve", "--overwrite-if-exists")
    assert run.returncode != 0
    assert "The project is incomplete: " in run.stderr and "_core.py" in run.stderr
    assert not (project / "variants").exists()
    assert (project / "Makefile").read_text().endswith("# edited\n")
    core.rmdir()
    edited = edit(project, ["Makefile"])
    again(project.parent)
    assert contents(project, ["Makefile"]) == edited
    assert core.is_file()
    assert "mine" in (project / OWNED[0]).read_text()


def test_without_being_told_to_cookiecutter_leaves_a_project_alone(project: Path) -> None:
    before = contents(project)
    assert generate(project.parent).returncode != 0
    assert contents(project) == before


def test_every_folder_of_manifests_is_in_the_list_by_which_it_is_removed() -> None:
    """The hook knows them by their names: it leaves those alone that the owner put into k8s/."""
    skeleton = VARIANTS.parent / "k8s"
    assert {Path(name).parent.as_posix() for name in files(skeleton)} == {
        name for sdk in SDKS.values() for name in sdk["k8s"]
    }
