"""A generated project as a package: built by uv, installed where the project is not, and served from there."""

from __future__ import annotations

import email
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import find_python, pins
from running import free_port, serving, shell

pytestmark = pytest.mark.slow

#: The first Python of each SDK.
SDKS = {sdk: pins("sklearn", sdk)["pythons"][0] for sdk in ("kserve", "kfserving")}
#: Modules that only tests use.
TESTS = re.compile(r"(^|/)(test_\w+|conftest|testing)\.py$")
UV = f"'{Path(sys.executable).parent / 'uv'}'"


@pytest.fixture(scope="module", params=SDKS)
def built(request: pytest.FixtureRequest, bake: Callable[..., Path]) -> tuple[Path, str]:
    """The folder of what `uv build` made, and the Python that it is for."""
    python = find_python(SDKS[request.param])
    if not python:
        pytest.skip(f"there is no Python {SDKS[request.param]}; `uv python install {SDKS[request.param]}` gets one")
    project = bake("sklearn", serving_sdk=request.param)
    (project / "sklearnserver/trainer/0001").mkdir()
    (project / "sklearnserver/trainer/0001/model.joblib").write_text("a model that somebody trained")
    shell(project, f"{UV} build --quiet --python '{python}'")
    return project / "dist", python


def contents(dist: Path) -> dict[str, list[str]]:
    """The files of both archives, by the archives' endings."""
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as opened, tarfile.open(sdist) as unpacked:
        return {"whl": opened.namelist(), "tar.gz": [name.partition("/")[2] for name in unpacked.getnames()]}


def test_both_hold_the_code_and_the_sample_and_no_trained_model(built: tuple[Path, str]) -> None:
    dist, _ = built
    for names in contents(dist).values():
        for name in ("trainer/model.py", "inferencer/__main__.py", "_engine/serving/loadtest.py", "py.typed"):
            assert f"sklearnserver/{name}" in names
        sdk = "sklearnserver/_engine/sdk"
        assert (f"{sdk}/page.html" in names) == (f"{sdk}/page.py" in names)
        sample = [name for name in names if "example_models/0001/" in name]
        assert {Path(name).name for name in sample} >= {"input.json", "metadata.json", "model.joblib", "model.onnx"}
        assert not any("trainer/0001" in name for name in names)


def test_neither_holds_tests(built: tuple[Path, str]) -> None:
    for names in contents(built[0]).values():
        assert [name for name in names if TESTS.search(name)] == []


def test_the_wheel_says_what_it_is(built: tuple[Path, str]) -> None:
    """With the owner's licence, which is his to choose."""
    (wheel,) = built[0].glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
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


@pytest.mark.parametrize("archive", ["tar.gz", "whl"])
def test_an_installed_package_serves_its_sample(built: tuple[Path, str], archive: str, tmp_path: Path) -> None:
    """In an environment with nothing else in it, by its command, from an empty folder."""
    dist, python = built
    (found,) = dist.glob(f"*.{archive}")
    shell(tmp_path, f"{UV} venv --quiet --python '{python}' venv; {UV} pip install --quiet --python venv '{found}'")
    package = shell(tmp_path, 'venv/bin/python -c "import sklearnserver; print(sklearnserver.__path__[0])"').strip()
    assert Path(package).is_relative_to(tmp_path / "venv")
    sample, http, grpc = f"{package}/example_models/0001", free_port(), free_port()
    variables = f"MODEL_NAME=m MODEL_DIR='{sample}' HTTP_PORT={http} GRPC_PORT={grpc}"
    (tmp_path / "empty").mkdir()
    server = f"{variables} exec ../venv/bin/sklearnserver-serve"
    with serving(tmp_path / "empty", server, f"http://localhost:{http}/v1/models/m"):
        url = f"http://localhost:{http}/v2/models/m/infer"
        answer = shell(tmp_path, f"curl --silent --fail-with-body -d '@{sample}/input.json' {url}")
    assert json.loads(answer) == {"predictions": [0]}
    assert not list((tmp_path / "empty").iterdir())


def test_an_installed_package_trains(built: tuple[Path, str], tmp_path: Path) -> None:
    dist, python = built
    (wheel,) = dist.glob("*.whl")
    shell(
        tmp_path, f"{UV} venv --quiet --python '{python}' venv; {UV} pip install --quiet --python venv '{wheel}[train]'"
    )
    shell(tmp_path, "venv/bin/sklearnserver-train --output_dir models")
    assert (tmp_path / "models" / "0001" / "metadata.json").is_file()
