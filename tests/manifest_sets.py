"""What is generated to deploy: which sets of manifests there are, and what `kubectl apply` sends of each.

Not here: what a cluster takes (manifest_judges.py, webhooks.py).
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml
from facts import SKELETON
from kserve_deployment import deployments
from needed import without

Manifest = dict[str, Any]
COMPONENTS = sorted(path.name for path in (SKELETON / "k8s" / "components").iterdir())
FOLDERS = sorted(path.name for path in (SKELETON / "k8s").iterdir() if path.name != "components")
#: What decides how a service runs: of these there is one, and of gRPC's the one that goes with it.
MODES = {"hpa": "Standard", "keda": "Standard", "knative": "Knative"}
ONLY_IN = {"grpc": "Standard", "grpc-knative": "Knative"}
#: KServe's logger puts a port of HTTP first, and Knative has one.
APART = {"logger", "grpc-knative"}


def modes_of(*components: str) -> list[str]:
    """The ways to run with which these can be combined: their own, or one for each mode."""
    if {*components} >= APART:
        return []
    own = [component for component in components if component in MODES]
    found = own[:1] if len(own) == 1 else [] if own else ["hpa", "knative"]
    return [
        mode for mode in found if {ONLY_IN.get(component, MODES[mode]) for component in components} == {MODES[mode]}
    ]


#: What can be deployed: the root manifest, each folder of k8s/, and each component in each mode that it goes with.
SETS = [
    "root",
    *FOLDERS,
    *(f"{mode}+{component}" for component in COMPONENTS for mode in modes_of(component) if component != mode),
    "keda",
]
#: Everything that answers reach, in few sets: with all components that go with a mode.
WHOLE = [
    *("root", "training", "training-bucket", "scoring", "scoring-nightly", "keda"),
    *(
        "+".join([mode, *(each for each in COMPONENTS if each not in {*MODES, apart} and mode in modes_of(each))])
        for mode, apart in (("hpa", ""), ("knative", "logger"), ("knative", "grpc-knative"))
    ),
]
KSERVE = "serving.kserve.io"
MODE = f"{KSERVE}/deploymentMode"


@functools.cache
def text(project: Path, name: str) -> str:
    if name == "root":
        return (project / f"{project.name}server.yaml").read_text()
    if not knows_components():
        without("install kubectl 1.22 or newer, whose kustomize has components")
    if name in FOLDERS:
        return kustomized(project / "k8s" / name)
    with tempfile.TemporaryDirectory() as folder:
        k8s = os.path.relpath(project / "k8s", os.path.realpath(folder))
        components = [f"{k8s}/components/{component}" for component in name.split("+")]
        overlay = {"resources": [f"{k8s}/runtime"], "components": components}
        (Path(folder) / "kustomization.yaml").write_text(json.dumps(overlay))
        return kustomized(Path(folder))


@functools.cache
def knows_components() -> bool:
    if not shutil.which("kubectl"):
        return False
    command = ["kubectl", "version", "--client", "--output", "json"]
    version = json.loads(subprocess.check_output(command))["clientVersion"]
    return int(re.sub(r"\D", "", version["minor"])) >= 22


def kustomized(folder: Path) -> str:
    return subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True).stdout


def manifests(project: Path, name: str) -> list[Manifest]:
    """What `kubectl apply` sends."""
    return [manifest for manifest in yaml.safe_load_all(text(project, name)) if manifest]


def one(found: list[Manifest], kind: str) -> Manifest:
    (manifest,) = [manifest for manifest in found if manifest["kind"] == kind]
    return manifest


def spec(found: list[Manifest]) -> Manifest:
    service: Manifest = one(found, "InferenceService")["spec"]
    return service


def pods(found: list[Manifest]) -> list[Manifest]:
    """Deployments, KServe's and ours, Jobs, and what CronJobs make."""
    nightly = [manifest["spec"]["jobTemplate"] for manifest in found if manifest["kind"] == "CronJob"]
    jobs = [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, **job} for job in nightly]
    return [*deployments(found), *(manifest for manifest in found if manifest["kind"] in ("Deployment", "Job")), *jobs]
