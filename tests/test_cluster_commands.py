"""What make says to kubectl, apart from rollouts (test_rollout.py): training, deploying, and the host of a request.

kubectl is a script here that writes down what it is asked, and answers what a cluster did.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from facts import SDKS

#: Calls other than these are the real kubectl's: it renders without a cluster.
KUBECTL = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$1" in
    apply) [ "$3" != - ] || cat > {folder}/applied-$(ls {folder} | wc -l).yaml;;
    version) echo '{{"clientVersion": {{"major": "1", "minor": "{minor}"}}}}';;
    get) {get};;
    *) exec {real} "$@";;
esac
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Put the script onto the PATH of an environment, which this returns."""

    def make(minor: str = "32", get: str = "exit 1") -> dict[str, str]:
        paths = os.environ["PATH"].split(os.pathsep)
        real = next((f"{path}/kubectl" for path in paths if Path(path, "kubectl").exists()), "false")
        program = tmp_path / "kubectl"
        program.write_text(KUBECTL.format(folder=tmp_path, minor=minor, get=get, real=real))
        program.chmod(0o755)
        return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    return make


def make(project: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *words, f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("folder", ["training", "training-bucket"])
def test_each_run_of_the_training_is_a_job_of_its_own_name(
    bake: Callable[..., Path], kubectl: Callable[..., dict[str, str]], tmp_path: Path, sdk: str, folder: str
) -> None:
    """The second one, which another folder may have changed, is applied beside the first, not onto it."""
    project, environment = bake("sklearn", serving_sdk=sdk), kubectl()
    environment["PATH"] = f"{tmp_path}/clock:{environment['PATH']}"
    (tmp_path / "clock").mkdir()
    names = []
    for time in ("20260131-235959", "20260201-000000"):
        (tmp_path / "clock" / "date").write_text(f"#!/bin/sh\necho {time}\n")
        (tmp_path / "clock" / "date").chmod(0o755)
        run = make(project, environment, "train-job", f"TRAINING={folder}")
        assert run.returncode == 0, run.stderr
        latest = max(tmp_path.glob("applied-*.yaml"), key=lambda path: path.stat().st_mtime_ns)
        job, claim = sorted(yaml.safe_load_all(latest.read_text()), key=lambda manifest: str(manifest["kind"]))
        assert claim["metadata"]["name"] == "sklearnserver-models"
        assert job["spec"]["ttlSecondsAfterFinished"] > 86400
        assert job["metadata"]["name"] in run.stdout
        names.append(job["metadata"]["name"])
    assert names == ["sklearnserver-train-20260131-235959", "sklearnserver-train-20260201-000000"]


@pytest.mark.parametrize(("target", "number"), [("train-job", ""), ("score-job", "-0")])
def test_the_longest_framework_leaves_room_for_the_time_of_a_run(
    bake: Callable[..., Path], kubectl: Callable[..., dict[str, str]], target: str, number: str
) -> None:
    run = make(bake("huggingface"), kubectl(), target)
    (name,) = [word.removeprefix("job/") for word in run.stdout.split() if word.startswith("job/")]
    assert len(name + number) <= 63 - (35 - len("huggingface"))


@pytest.mark.parametrize(("minor", "old"), [("20+", True), ("21", True), ("22", False), ("32+", False), ("100", False)])
def test_a_kubectl_without_components_is_named(
    bake: Callable[..., Path], kubectl: Callable[..., dict[str, str]], tmp_path: Path, minor: str, old: bool
) -> None:
    run = make(bake("sklearn"), kubectl(minor), "deploy", "OVERLAY=standard")
    assert (run.returncode != 0) == old
    assert ("k8s/ needs kubectl 1.22 or newer" in run.stderr) == old
    assert ("apply -k k8s/standard" in (tmp_path / "calls").read_text()) != old


def test_an_overlay_is_taken_away_as_a_whole(
    bake: Callable[..., Path], kubectl: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    run = make(bake("sklearn"), kubectl(), "--dry-run", "undeploy", "OVERLAY=production")
    assert run.stdout == "kubectl delete -k k8s/production\n"


def test_deploying_without_an_overlay_is_the_one_file(
    bake: Callable[..., Path], kubectl: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """Whatever the environment calls by the names of options."""
    environment = {**kubectl("20"), "OVERLAY": "other", "URI": "other", "SHARE": "other"}
    assert make(bake("sklearn"), environment, "deploy").returncode == 0
    assert (tmp_path / "calls").read_text() == "apply -f sklearnserver.yaml\n"


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize(
    ("words", "get", "host"),
    [
        (["HOST=10.0.0.1"], "echo http://churn-team.example.com", "churn-team.example.com"),
        (["HOST=10.0.0.1"], "echo https://churn.team.corp.example/", "churn.team.corp.example"),
        (["HOST=10.0.0.1"], "exit 1", "sklearnserver-test.test.example.com"),
        (["HOST=10.0.0.1", "SERVICE_HOST=models.example.com"], "echo http://other.example.com", "models.example.com"),
        ([], "echo http://churn-team.example.com", "sklearnserver-test.test.example.com"),
    ],
)
def test_a_request_names_the_host_that_the_service_says(
    bake: Callable[..., Path],
    kubectl: Callable[..., dict[str, str]],
    sdk: str,
    words: list[str],
    get: str,
    host: str,
) -> None:
    """The brief's where no cluster answers, and on this machine, where none is asked."""
    project = bake("sklearn", serving_sdk=sdk)
    run = make(project, kubectl(get=get), "--dry-run", "predict", "INPUT=input.json", *words)
    assert f'-H "Host: {host}"' in run.stdout, run.stdout + run.stderr
