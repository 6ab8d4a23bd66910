"""With MLFLOW_TRACKING_URI set, training logs versions on MLflow's own server; without, nothing of it is imported.

The extra is installed beside a project, and not into it, as other tests use it; the server is in a third environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from facts import SDKS
from running import answers, beside, free_port, shell

pytestmark = pytest.mark.slow

SERVER = "mlflow==3.17.2"
TRAIN = "python -m sklearnserver.trainer --extras_seconds 300 --output_dir"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """MLflow's server, which keeps what is logged in a folder."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    shell(folder, f"uv venv -q --python {sys.executable} . && uv pip install -q --python bin/python {SERVER}")
    places = ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", f"{folder}/files"]
    command: list[str | Path] = [folder / "bin/mlflow", "server", "--port", str(port), "--workers", "1", *places]
    with (folder / "log").open("w") as log, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            assert answers(f"{client.base_url}/health", process), (folder / "log").read_text()
            yield client
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module", params=SDKS)
def sdk(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(install: Callable[[str, str], Path], sdk: str) -> Path:
    return install("sklearn", sdk)


@pytest.fixture(scope="module")
def packages(project: Path, sdk: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return beside(project, tmp_path_factory.mktemp("extra"), SDKS[sdk]["extras"]["mlflow"])


def test_a_version_is_logged_with_parameters_metrics_report_and_model(
    server: httpx.Client, project: Path, packages: Path, tmp_path: Path
) -> None:
    printed = shell(
        project,
        f".venv/bin/{TRAIN} {tmp_path} --estimator forest",
        MLFLOW_TRACKING_URI=str(server.base_url),
        PYTHONPATH=str(packages),
    )
    version = tmp_path / "0001"
    saved, tracked = printed.splitlines()[-2:]
    assert saved == f"Saved: {version}"
    assert tracked.startswith("Tracked by MLflow: run ")
    run = tracked.split()[-1]
    found = server.get("/api/2.0/mlflow/runs/get", params={"run_id": run}).raise_for_status().json()["run"]
    assert (found["info"]["run_name"], found["info"]["status"]) == ("sklearnserver 0001", "FINISHED")
    parameters = {item["key"]: item["value"] for item in found["data"]["params"]}
    assert (parameters["estimator"], parameters["eval_share"]) == ("forest", "0.2")
    metadata = json.loads((version / "metadata.json").read_bytes())
    assert {item["key"]: item["value"] for item in found["data"]["metrics"]} == pytest.approx(metadata["metrics"])
    for name in {"report.html", "metadata.json", "model.joblib"} | set(metadata["files"]):
        answer = server.get("/get-artifact", params={"run_uuid": run, "path": f"0001/{name}"}).raise_for_status()
        assert answer.content == (version / name).read_bytes()


def test_a_server_that_is_not_there_costs_no_version(project: Path, packages: Path, tmp_path: Path) -> None:
    address = f"http://me:hidden@127.0.0.1:{free_port()}"
    environment = {"MLFLOW_TRACKING_URI": address, "PYTHONPATH": str(packages), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    printed = shell(project, f".venv/bin/{TRAIN} {tmp_path}", **environment)
    saved, tracked = printed.splitlines()[-2:]
    assert saved == f"Saved: {tmp_path}/0001"
    assert tracked.startswith("Not tracked by MLflow, though saved: ") and "hidden" not in printed
    assert (tmp_path / "0001" / "report.html").exists()


def test_nothing_of_it_is_imported_unless_asked_for(project: Path, packages: Path, tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(
        "import sys\nfrom sklearnserver.trainer.__main__ import main\nmain()\n"
        "print([name for name in sys.modules if 'mlflow' in name])\n"
    )
    arguments = f"--extras_seconds 0 --output_dir {tmp_path}"
    printed = shell(project, f".venv/bin/python {program} {arguments}", PYTHONPATH=str(packages))
    assert printed.splitlines()[-2:] == [f"Saved: {tmp_path}/0001", "[]"]


def test_without_the_extra_it_is_said_before_training_what_is_missing(project: Path, tmp_path: Path) -> None:
    variables: dict[str, Any] = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    printed = shell(project, f".venv/bin/{TRAIN} {tmp_path} --extras_seconds 0", **variables)
    first, last = printed.splitlines()[0], printed.splitlines()[-1]
    assert first.endswith("MLflow is missing (pip install 'sklearnserver[mlflow]')")
    assert last == f"Saved: {tmp_path}/0001"
