"""Generating again over a project that is there (`cookiecutter -f`): what is renewed, what is kept, what is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import SDKS, TEMPLATE, VARIANTS
from running import shell
from test_bake import files

OWNED = [f"sklearnserver/trainer/{name}.py" for name in ("model", "preprocessor", "postprocessor")]
#: Files of the owner's that no template knows, in the places where they are likely.
EXTRA = [
    ".git/HEAD",
    ".venv/bin/python",
    ".venv/pyvenv.cfg",
    "data/customers.csv",
    "k8s/notes.txt",
    "k8s/production/kustomization.yaml",
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
        for name in ("Makefile", "sklearnserver/trainer/_core.py", "sklearnserver/inferencer/model.py"):
            (project / name).write_text((project / name).read_text() + "# edited\n")
        again(project.parent, sdk)
        mine = contents(project, [*OWNED, *EXTRA])
        assert mine == {name: f"mine: {name}".encode() for name in mine}
        new = contents(bake("sklearn", serving_sdk=sdk))
        assert contents(project) == {**new, **mine}


@pytest.mark.parametrize("edited", [OWNED, OWNED[:1], OWNED[2:]], ids=["all", "model", "postprocessor"])
def test_the_files_that_were_kept_are_named_with_a_way_to_see_the_templates(project: Path, edited: list[str]) -> None:
    before = contents(project, edited)
    for name in edited:
        (project / name).write_text((project / name).read_text() + "\nMINE = True\n")
    for _ in range(2):
        said = again(project.parent)
        lines = [line.strip() for line in said.splitlines() if line.startswith("    ")]
        *named, generate_elsewhere, compare = lines
        assert named == [f"sklearn/{name}" for name in edited]
    path = f"PATH={Path(sys.executable).parent}:$PATH"
    shown = shell(project.parent, f"{path}; {generate_elsewhere} >&2; {compare} || true")
    elsewhere = project.parent / "template-of-sklearn" / "sklearn"
    assert contents(elsewhere, edited) == before
    assert shown.count("> MINE = True") == len(edited)


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


def test_what_only_the_first_sdk_has_goes_though_it_was_edited(project: Path) -> None:
    platforms = project / "sklearnserver" / "_engine" / "sdk" / "platforms.py"
    platforms.write_text(platforms.read_text() + "# edited\n")
    again(project.parent, "kfserving")
    assert not platforms.exists()


def test_the_engine_is_renewed_as_a_whole(project: Path, bake: Callable[..., Path]) -> None:
    """What was edited in it, and what another version of it left."""
    engine = project / "sklearnserver" / "_engine"
    (engine / "contract" / "signature.py").write_text("# edited\n")
    (engine / "contract" / "former.py").touch()
    again(project.parent)
    assert contents(project) == contents(bake("sklearn"))


def test_two_sdks_files_that_lie_beside_each_other_are_parted(project: Path, bake: Callable[..., Path]) -> None:
    """As earlier versions of this template left them."""
    for sdk in ("kfserving", "kserve"):
        shutil.copytree(VARIANTS / "sdks" / sdk, project / "sklearnserver", dirs_exist_ok=True)
    shutil.copytree(VARIANTS, project / "variants")
    again(project.parent)
    assert contents(project) == contents(bake("sklearn"))


def test_a_change_of_the_sdk_says_what_becomes_of_the_environment(project: Path) -> None:
    (project / ".venv").mkdir()
    assert ".venv" not in again(project.parent)
    said = again(project.parent, "kfserving")
    assert "sklearn/.venv still holds what KServe needs" in said


def test_a_failure_says_what_is_wrong_and_leaves_no_part_of_the_template_behind(project: Path) -> None:
    """Once the cause is gone and the command is repeated, the project is complete."""
    write(project, OWNED)
    core = project / "sklearnserver" / "trainer" / "_core.py"
    core.unlink()
    core.mkdir()
    run = generate(project.parent, "kserve", "--overwrite-if-exists")
    assert run.returncode != 0
    assert "The project is incomplete: " in run.stderr and "_core.py" in run.stderr
    assert not (project / "variants").exists()
    core.rmdir()
    again(project.parent)
    assert core.is_file()
    assert "mine" in (project / OWNED[0]).read_text()


def test_without_being_told_to_cookiecutter_leaves_a_project_alone(project: Path) -> None:
    before = contents(project)
    assert generate(project.parent).returncode != 0
    assert contents(project) == before


def test_every_manifest_of_an_sdk_has_a_name_by_which_it_is_removed() -> None:
    """The hook knows a folder's files in k8s/ by their names: it leaves those alone that the owner put there."""
    skeleton = VARIANTS.parent / "k8s"
    shared = set.intersection(*(set(sdk["k8s"]) for sdk in SDKS.values()))
    for name in {path.name for path in skeleton.iterdir()} - shared:
        assert files(skeleton / name) <= {"kustomization.yaml", f"{name}.yaml"}
