"""A generated project as a package: built by uv and by build, installed where nothing else is, and served there."""

from __future__ import annotations

import email
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import pins
from needed import needed_python
from running import free_port, serving, shell

pytestmark = pytest.mark.slow

#: The first Python of each SDK.
SDKS = {sdk: pins("sklearn", sdk)["pythons"][0] for sdk in ("kserve", "kfserving")}
#: Modules that only tests use.
TESTS = re.compile(r"(^|/)(test_\w+|conftest|testing)\.py$")
UV = f"'{Path(sys.executable).parent / 'uv'}'"


#: Both ways to build, each into a folder of its own.
BUILDS = {
    "uv": f"{UV} build --quiet --out-dir built-by-uv",
    "build": f"'{sys.executable}' -m build --outdir built-by-build",
}


@pytest.fixture(scope="module", params=SDKS)
def built(request: pytest.FixtureRequest, bake: Callable[..., Path]) -> tuple[Path, str]:
    """The project of which both tools made packages, and the Python that they are for."""
    python = needed_python(SDKS[request.param])
    project = bake("sklearn", serving_sdk=request.param)
    (project / "sklearnserver/trainer/0001").mkdir()
    (project / "sklearnserver/trainer/0001/model.joblib").write_text("a model that somebody trained")
    for command in BUILDS.values():
        shell(project, command)
    return project, python


def archive(project: Path, tool: str, ending: str) -> Path:
    (found,) = (project / f"built-by-{tool}").glob(f"*.{ending}")
    return found


def contents(project: Path, tool: str) -> dict[str, list[str]]:
    """The files of both archives that a tool made, by the archives' endings."""
    wheel, sdist = archive(project, tool, "whl"), archive(project, tool, "tar.gz")
    with zipfile.ZipFile(wheel) as opened, tarfile.open(sdist) as unpacked:
        names = [name.partition("/")[2] for name in unpacked.getnames()]
        # setuptools for Python 3.8, which uv takes for a project of that Python, has no folder for licences yet.
        whl = [name.replace("dist-info/licenses/", "dist-info/") for name in opened.namelist()]
        return {"whl": sorted(whl), "tar.gz": sorted(names)}


def test_both_tools_build_the_same(built: tuple[Path, str]) -> None:
    assert contents(built[0], "uv") == contents(built[0], "build")


def test_both_hold_the_code_and_the_sample_and_no_trained_model(built: tuple[Path, str]) -> None:
    for names in contents(built[0], "uv").values():
        for name in ("trainer/model.py", "inferencer/__main__.py", "_engine/serving/loadtest.py", "py.typed"):
            assert f"sklearnserver/{name}" in names
        sdk = "sklearnserver/_engine/sdk"
        assert (f"{sdk}/page.html" in names) == (f"{sdk}/page.py" in names)
        sample = [name for name in names if "example_models/0001/" in name]
        assert {Path(name).name for name in sample} >= {"input.json", "metadata.json", "model.joblib", "model.onnx"}
        assert not any("trainer/0001" in name for name in names)


def test_neither_holds_tests(built: tuple[Path, str]) -> None:
    for names in contents(built[0], "uv").values():
        assert [name for name in names if TESTS.search(name)] == []


def test_the_wheel_says_what_it_is(built: tuple[Path, str]) -> None:
    """With the owner's licence, which is his to choose."""
    with zipfile.ZipFile(archive(built[0], "build", "whl")) as opened:
        (folder,) = {name.split("/")[0] for name in opened.namelist() if ".dist-info/" in name}
        about = email.message_from_bytes(opened.read(f"{folder}/METADATA"))
        (licence,) = [name for name in opened.namelist() if name.endswith("LICENSE")]
        assert b"No licence has been chosen" in opened.read(licence)
    fields = [about[name] for name in ("Name", "Version", "Summary", "License-File", "Description-Content-Type")]
    assert fields == [
        "sklearnserver",
        "0.1.0",
        "Trains and serves a scikit-learn model",
        "LICENSE",
        "text/markdown",
    ]
    assert about["Requires-Python"].startswith(">=3.")
    assert set(about.get_all("Provides-Extra", [])) >= {"train", "dev"}


WHEEL = ("build", "whl")


@pytest.fixture(scope="module", params=[("uv", "tar.gz"), WHEEL], ids=lambda made: made[1])
def place(request: pytest.FixtureRequest, built: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but `venv`, in which there is nothing but the package; each tool made one of both."""
    (project, python), folder = built, tmp_path_factory.mktemp("place")
    found = archive(project, *request.param)
    shell(folder, f"{UV} venv --quiet --python '{python}' venv; {UV} pip install --quiet --python venv '{found}'")
    shell(folder, f"ln -s '{found}' .; mkdir empty")
    return folder


def test_an_installed_package_serves_its_sample(place: Path) -> None:
    """By its command, from an empty folder."""
    package = shell(place, 'venv/bin/python -c "import sklearnserver; print(sklearnserver.__path__[0])"').strip()
    assert Path(package).is_relative_to(place / "venv")
    sample, http, grpc = f"{package}/example_models/0001", free_port(), free_port()
    variables = f"MODEL_NAME=m MODEL_DIR='{sample}' HTTP_PORT={http} GRPC_PORT={grpc}"
    server = f"{variables} exec ../venv/bin/sklearnserver-serve"
    with serving(place / "empty", server, f"http://localhost:{http}/v1/models/m"):
        url = f"http://localhost:{http}/v2/models/m/infer"
        answer = shell(place, f"curl --silent --fail-with-body -d '@{sample}/input.json' {url}")
    assert json.loads(answer) == {"predictions": [0]}
    assert not list((place / "empty").iterdir())


def test_what_an_extra_is_needed_for_says_which_one(place: Path) -> None:
    for command, complaint in {
        "../venv/bin/sklearnserver-train": "pip install 'sklearnserver[train]'",
        "../venv/bin/python -m sklearnserver.trainer --help": "pip install 'sklearnserver[train]'",
        "MODEL_NAME=m VERIFY_KEY=key.pem ../venv/bin/sklearnserver-serve": "signatures are checked by model-signing",
    }.items():
        run = subprocess.run(["bash", "-c", command], cwd=place / "empty", capture_output=True, text=True, check=False)
        assert run.returncode != 0 and complaint in run.stderr.splitlines()[-1]
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("place", [WHEEL], ids=["whl"], indirect=True)
def test_an_installed_package_trains(place: Path, tmp_path: Path) -> None:
    """Into the folder in which its owner is, and not among installed packages. It changes the environment: last."""
    (found,) = [path.resolve() for path in place.iterdir() if path.is_symlink()]
    shell(place, f"{UV} pip install --quiet --python venv '{found}[train]'")
    assert "Saved: models/0001" in shell(tmp_path, f"'{place}/venv/bin/sklearnserver-train'")
    assert (tmp_path / "models" / "0001" / "metadata.json").is_file()
