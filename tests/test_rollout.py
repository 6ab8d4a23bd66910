"""`make canary`, `make promote` and `make rollback`, against a cluster that keeps what KServe's controller does.

At no moment of a promotion does an old version get all requests, and a version gets none before it is ready.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kserve_double
import pytest

OLD, NEW, NEXT = (f"s3://bucket/churn/{version}" for version in ("0001", "0002", "0003"))
MANIFEST = Path("k8s", "runtime", "service.yaml")
Run = subprocess.CompletedProcess[str]


class Cluster:
    """A project whose kubectl is the double, with a service of one version that has settled."""

    def __init__(self, project: Path, folder: Path, mode: str, name: str = "churn") -> None:
        self.project = project
        self.file = folder / "state.json"
        self.file.write_text(json.dumps(kserve_double.create(mode, name, OLD)))
        (folder / "kubectl").write_text(f'#!/bin/sh\nexec {sys.executable} {kserve_double.__file__} {self.file} "$@"\n')
        (folder / "kubectl").chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"

    def run(self, *words: str, timeout: str = "60") -> Run:
        """Run make as a user does; what it did is in `seen`."""
        self.change(seen=[])
        command = ["make", *words, f"PYTHON={sys.executable}", f"ARGS=--every 0 --timeout {timeout}"]
        environment = {**os.environ, "PATH": self.path, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)

    def make(self, *words: str) -> list[dict[str, float]]:
        """Run make, which has to succeed; returns what share each version had, from step to step."""
        run = self.run(*words)
        assert run.returncode == 0, run.stdout + run.stderr
        seen: list[dict[str, float]] = self.state["seen"]
        return seen

    def change(self, **parts: Any) -> None:
        self.file.write_text(json.dumps({**self.state, **parts}))

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.file.read_text())
        return state


@pytest.fixture(params=["Standard", "Knative"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def baked(bake: Callable[..., Path]) -> Path:
    return bake("sklearn", model_name="churn", storage_uri=OLD)


@pytest.fixture
def project(baked: Path, tmp_path: Path) -> Path:
    """A copy of one's own: commands write into it."""
    return Path(shutil.copytree(baked, tmp_path / "sklearn"))


@pytest.fixture
def cluster(project: Path, tmp_path: Path, mode: str) -> Cluster:
    return Cluster(project, tmp_path, mode)


def test_a_canary_gets_its_share_when_it_is_ready(cluster: Cluster) -> None:
    seen = cluster.make("canary", "SHARE=10", f"URI={NEW}")
    assert seen[0] == {OLD: 1.0}
    assert seen[-1] == pytest.approx({OLD: 0.9, NEW: 0.1})
    assert all(shares.get(NEW, 0) in (0, pytest.approx(0.1)) for shares in seen)
    assert cluster.make("canary", "SHARE=50")[-1] == {OLD: 0.5, NEW: 0.5}


def test_a_promotion_never_leaves_the_old_version_alone(cluster: Cluster) -> None:
    cluster.make("canary", f"URI={NEW}")
    seen = cluster.make("promote")
    assert all(shares.get(NEW, 0) > 0 for shares in seen)
    assert seen[-1] == {NEW: 1.0}
    state = cluster.state
    assert state["service"]["spec"]["predictor"]["model"]["storageUri"] == NEW
    assert not {"canary", "canaryTrafficPercent"} & {*state["service"]["spec"], *state["service"]["spec"]["predictor"]}
    assert state["autoscalers"] == (["churn-predictor"] if state["mode"] == "Standard" else [])


def test_the_end_of_a_canary_that_was_documented_before_does_leave_it_alone(cluster: Cluster) -> None:
    """The double keeps what was seen: the new address without the canary lets Standard serve the old version alone."""
    cluster.make("canary", f"URI={NEW}")
    state = cluster.state
    model = {**state["service"]["spec"]["predictor"]["model"], "storageUri": NEW}
    state["service"]["spec"] = {"predictor": {"minReplicas": 2, "model": model}}
    state["seen"] = []
    for _ in range(20):
        kserve_double.step(state)
    assert ({OLD: 1.0} in state["seen"]) == (state["mode"] == "Standard")
    assert state["seen"][-1] == {NEW: 1.0}


def test_a_rollback_takes_the_new_version_away_at_once(cluster: Cluster) -> None:
    cluster.make("canary", "SHARE=50", f"URI={NEW}")
    seen = cluster.make("rollback")
    assert seen[-1] == {OLD: 1.0}
    with_new = [NEW in shares for shares in seen]
    assert with_new == sorted(with_new, reverse=True), "it never comes back"
    assert cluster.make("canary", f"URI={NEXT}")[-1] == pytest.approx({OLD: 0.9, NEXT: 0.1})


def test_a_promotion_can_be_taken_back(cluster: Cluster) -> None:
    cluster.make("canary", f"URI={NEW}")
    cluster.make("promote")
    assert f'storageUri: "{NEW}"' in (cluster.project / MANIFEST).read_text()
    seen = cluster.make("rollback", f"URI={OLD}")
    assert seen[0] == {NEW: 1.0} and seen[-1] == {OLD: 1.0}
    manifest = (cluster.project / MANIFEST).read_text()
    assert f'storageUri: "{OLD}"' in manifest and 'model-version: "0001"' in manifest
    assert cluster.make("canary", f"URI={NEXT}")[-1] == pytest.approx({OLD: 0.9, NEXT: 0.1})


def test_a_canary_that_never_gets_ready_gets_no_request_and_can_be_taken_away(cluster: Cluster) -> None:
    cluster.change(broken=[NEW])
    run = cluster.run("canary", f"URI={NEW}", timeout="1")
    assert run.returncode != 0
    assert "not ready" in run.stderr and "make rollback" in run.stderr
    assert all(shares == {OLD: 1.0} for shares in cluster.state["seen"])
    assert "the canary is not ready" in cluster.run("promote").stderr
    assert all(shares == {OLD: 1.0} for shares in cluster.make("rollback"))


def test_a_promotion_that_was_interrupted_goes_on(cluster: Cluster) -> None:
    cluster.make("canary", f"URI={NEW}")
    if cluster.state["mode"] == "Standard":
        cluster.change(broken=[NEW])
        run = cluster.run("promote", timeout="1")
        assert run.returncode != 0 and "make promote goes on" in run.stderr
        assert f"make rollback URI={OLD}" in run.stderr
        assert all(shares.get(NEW, 0) > 0 for shares in cluster.state["seen"])
        cluster.change(broken=[])
    assert cluster.make("promote")[-1] == {NEW: 1.0}


def test_a_signature_in_an_address_is_not_shown(cluster: Cluster) -> None:
    secret = "https://user:PASSWORD@host/churn.tar.gz?sig=SECRET"
    cluster.change(broken=[secret])
    runs = [cluster.run("canary", f"URI={secret}", timeout="0"), cluster.run("promote")]
    cluster.change(broken=[])
    runs += [cluster.run("canary"), cluster.run("promote"), cluster.run("canary", f"URI={secret}")]
    runs += [cluster.run("rollback", f"URI={OLD}")]
    said = "".join(run.stdout + run.stderr for run in runs)
    assert "https://host/churn.tar.gz has all requests" in said
    assert "SECRET" not in said and "PASSWORD" not in said
    assert cluster.state["seen"][-1] == {OLD: 1.0}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["canary"], "no canary runs: make canary URI=..."),
        (["promote"], "no canary runs: make canary URI=..."),
        (["rollback"], "no canary runs: make rollback URI=..."),
        (["canary", f"URI={OLD}"], "serves s3://bucket/churn/0001 already"),
        (["canary", f"URI={NEW}", "SHARE=100"], "a whole number from 1 to 99"),
        (["canary", "URI=models/0002"], "expected an address"),
        (["canary", f"URI={NEW}", "MODEL_NAME=other"], "there is no InferenceService other"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(cluster: Cluster, words: list[str], expected: str) -> None:
    before = cluster.state["service"]["spec"]
    run = cluster.run(*words)
    assert run.returncode != 0
    assert expected in run.stderr and "Traceback" not in run.stderr
    assert cluster.state["service"]["spec"] == before


@pytest.mark.parametrize("mode", ["Standard"])
def test_names_that_make_sets_are_checked_together_before_anything_is_changed(
    project: Path, tmp_path: Path, mode: str
) -> None:
    name = "m" * 40
    cluster = Cluster(project, tmp_path, mode, name)
    run = cluster.run("canary", f"URI={NEW}", f"MODEL_NAME={name}", "NAMESPACE=team-data")
    assert "of 67 characters, and Kubernetes allows 63" in run.stderr
    assert "canary" not in cluster.state["service"]["spec"]


@pytest.mark.parametrize("mode", ["Standard"])
def test_the_manifest_of_another_service_stays_as_it_is(project: Path, tmp_path: Path, mode: str) -> None:
    cluster = Cluster(project, tmp_path, mode, "other")
    before = (cluster.project / MANIFEST).read_text()
    assert cluster.run("canary", f"URI={NEW}", "MODEL_NAME=other").returncode == 0
    assert f"write storageUri: {NEW} where your manifest has it" in cluster.run("promote", "MODEL_NAME=other").stdout
    assert (cluster.project / MANIFEST).read_text() == before


@pytest.mark.parametrize("mode", ["Standard"])
def test_a_cluster_that_does_not_answer_is_said(cluster: Cluster) -> None:
    (cluster.file.parent / "kubectl").write_text(
        "#!/bin/sh\nprintf 'E1126 00:07 memcache.go\\nconnection refused\\n' >&2\nexit 1\n"
    )
    run = cluster.run("promote")
    assert "promote: kubectl get: connection refused\n" in run.stderr and "Traceback" not in run.stderr
