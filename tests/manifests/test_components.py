"""What the folders and components of k8s/ are for: each does that, alone and beside each other one."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from facts import SKELETON
from kserve_deployment import deployments
from manifest_judges import judges
from manifest_sets import COMPONENTS, FOLDERS, MODE, MODES, SETS, Manifest, manifests, modes_of, one, spec
from webhooks import refusals


def test_every_manifest_says_when_to_use_it() -> None:
    files = sorted((SKELETON / "k8s").rglob("*.yaml"))
    assert len(files) >= len(FOLDERS) + len(COMPONENTS)
    for file in files:
        assert file.read_text().startswith("# "), file
    for component in COMPONENTS:
        text = (SKELETON / "k8s" / "components" / component / "kustomization.yaml").read_text()
        assert text.startswith("# Use it "), component


def test_both_ways_to_deploy_serve_alike(project: Path) -> None:
    """The container stands in the root manifest and in the runtime: a change to one belongs into the other."""
    pods = []
    for name in ("root", "runtime"):
        (deployment,) = deployments(manifests(project, name))
        pods.append(deployment["spec"]["template"]["spec"])
    for pod in pods:
        (container,) = pod["containers"]
        variables = {variable["name"]: variable["value"] for variable in container.pop("env")}
        container["args"] += [f"--model_name={variables['MODEL_NAME']}"] if "MODEL_NAME" in variables else []
        container["args"].sort()
        assert "--enable_repository_api=false" in container["args"]
    assert pods[0] == pods[1]
    (root,), runtime = manifests(project, "root"), one(manifests(project, "runtime"), "ServingRuntime")
    assert runtime["spec"]["annotations"] == root["spec"]["predictor"]["annotations"]


def test_the_modes_are_named_and_scale(project: Path) -> None:
    modes = {
        "runtime": None,
        "standard": "Standard",
        "knative": "Knative",
        "production": "Standard",
        "keda": "Standard",
    }
    for name, mode in modes.items():
        service = one(manifests(project, name), "InferenceService")
        assert service["metadata"].get("annotations", {}).get(MODE) == mode
        assert mode is None or (service["spec"]["predictor"]["minReplicas"] > 1) == (mode == "Standard")


def test_pods_of_standard_end_when_all_that_they_took_in_is_answered(project: Path) -> None:
    """Kubernetes kills a pod after 30 seconds otherwise. The server needs some of them to say what it dropped."""
    options = (project / f"{project.name}server" / "_engine" / "serving" / "options.py").read_text()
    defaults = dict(re.findall(r'self\.add\("((?:drain|deadline)_seconds)", "(\d+)"', options))
    for name in SETS:
        found = [item for item in manifests(project, name) if item["kind"] == "InferenceService"]
        for service in found:
            standard = service["metadata"].get("annotations", {}).get(MODE) == "Standard"
            grace = service["spec"]["predictor"].get("terminationGracePeriodSeconds")
            assert grace == (sum(map(int, defaults.values())) + 5 if standard else None), name
    assert len(defaults) == 2


#: What each component does, and in which kind of object it is found. Of a canary and gRPC it depends on the mode.
EFFECTS: dict[str, Callable[[list[Manifest]], Any]] = {
    "availability": lambda found: one(found, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1,
    "canary": lambda found: (
        (
            [canary["trafficPercent"] for canary in spec(found).get("canary", [])]
            or [spec(found)["predictor"]["canaryTrafficPercent"]]
        )
        == [10]
    ),
    "credentials": lambda found: (
        spec(found)["predictor"]["serviceAccountName"] == one(found, "ServiceAccount")["metadata"]["name"]
    ),
    "grpc": lambda found: all(ports(pod) == [("http", 8080), ("grpc", 8081)] for pod in deployments(found)),
    "grpc-knative": lambda found: all(ports(pod) == [("h2c", 8081)] for pod in deployments(found)),
    "hpa": lambda found: spec(found)["predictor"]["scaleMetric"] == "cpu",
    "keda": lambda found: spec(found)["predictor"]["autoScaling"]["metrics"],
    "knative": lambda found: spec(found)["predictor"]["scaleMetric"] == "concurrency",
    "logger": lambda found: (
        spec(found)["predictor"]["logger"]["url"]
        == f"http://{one(found, 'Service')['metadata']['name']}.{one(found, 'Service')['metadata']['namespace']}.svc"
    ),
    "monitoring": lambda found: (
        one(found, "PodMonitor")["spec"]["selector"]["matchLabels"].items()
        <= deployments(found)[0]["spec"]["template"]["metadata"]["labels"].items()
        and one(found, "PrometheusRule")["spec"]["groups"]
        and json.loads(one(found, "ConfigMap")["data"]["dashboard.json"])["panels"]
    ),
    "network": lambda found: (
        ["Ingress", "Egress"] in [each["spec"]["policyTypes"] for each in found if each["kind"] == "NetworkPolicy"]
    ),
}
#: What a component is there to change in the base, by the last part of its place.
CHANGES = {
    "canary": {"storageUri", "model-version"},
    "grpc-knative": {
        "name",
        "autoSelect",
        "protocolVersions",
        "ports",
        "startupProbe",
        "readinessProbe",
        "livenessProbe",
    },
}


def ports(deployment: Manifest) -> list[tuple[str, int]]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return [(port["name"], port["containerPort"]) for port in container["ports"]]


PAIRS = [
    "+".join(dict.fromkeys([mode, *pair]))
    for pair in itertools.combinations(COMPONENTS, 2)
    for mode in modes_of(*pair)
    if not set(pair) <= set(MODES)
]


@pytest.mark.parametrize("pair", PAIRS)
def test_any_two_components_can_be_combined(plain: Path, pair: str) -> None:
    """Both do what they are there for, all judges take the whole, and what the base says is still there."""
    found, base = manifests(plain, pair), manifests(plain, "runtime")
    for component in pair.split("+"):
        assert EFFECTS[component](found), component
    for manifest in found:
        assert [problem for judge in judges(manifest) for problem in judge(manifest)] == []
    assert refusals(found) == []
    changed = set().union(*(CHANGES.get(component, set()) for component in pair.split("+")))
    for manifest in base:
        (same,) = [other for other in found if other["kind"] == manifest["kind"]]
        assert missing(manifest, same, changed) == []


def missing(base: Any, found: Any, changed: set[str], at: str = "") -> list[str]:
    """The places of the base whose values are not found, except for what is there to be changed."""
    if at.rpartition(".")[2] in changed:
        return []
    if isinstance(base, dict):
        return [
            place
            for key, value in base.items()
            for place in missing(value, (found or {}).get(key), changed, f"{at}.{key}")
        ]
    if isinstance(base, list):
        absent = [item for item in base if not any(missing(item, other, changed) == [] for other in found or [])]
        return [at] if absent else []
    return [] if base == found else [at]


def test_every_pair_of_components_was_tried_in_every_mode_that_both_know() -> None:
    assert set(EFFECTS) == set(COMPONENTS)
    assert len(PAIRS) == len(set(PAIRS)) > 30
    assert "hpa+canary+grpc" in PAIRS and "knative+availability+canary" in PAIRS


@pytest.mark.parametrize(
    "name", [name for name in SETS if name != "root" and not name.startswith(("training", "scoring"))]
)
def test_the_runtime_that_models_share_is_the_same_in_every_set(project: Path, name: str) -> None:
    """What is applied for one model takes nothing from the others: an option makes a runtime of another name."""
    shared, found = (one(manifests(project, each), "ServingRuntime") for each in ("runtime", name))
    if name == "knative+grpc-knative":
        assert found["metadata"]["name"] != shared["metadata"]["name"]
    else:
        assert found == shared


@pytest.mark.parametrize(
    ("uri", "following"),
    [
        ("gs://bucket/churn", "gs://bucket/churn/0002"),
        ("gs://bucket/churn/0001/", "gs://bucket/churn/0002"),
        ("s3://bucket/churn/0099", "s3://bucket/churn/0100"),
        ("s3://bucket", "s3://bucket/0002"),
        ("s3://0001", "s3://0001/0002"),
        ("s3://bucket/" + "9" * 5000, "s3://bucket/" + "9" * 5000 + "/0002"),
        ("pvc://claim/models/7", "pvc://claim/models/8"),
        (
            "https://account.blob.core.windows.net/container/model",
            "https://account.blob.core.windows.net/container/model/0002",
        ),
        ("https://example.com/model.tar.gz?sig=1:2", "https://REPLACE-WITH-THE-NEXT-VERSION"),
        ("hf://owner/model:main", "hf://owner/model:REPLACE-WITH-THE-NEXT-VERSION"),
        ("hf://owner/model", "hf://owner/model:REPLACE-WITH-THE-NEXT-VERSION"),
        ("oci://ghcr.io:5000/team/model:1.0", "oci://ghcr.io:5000/team/model:REPLACE-WITH-THE-NEXT-VERSION"),
    ],
)
def test_a_canary_has_an_address_under_which_a_next_version_can_lie(
    bake: Callable[..., Path], uri: str, following: str
) -> None:
    project = bake("sklearn", storage_uri=uri)
    standard, knative = (spec(manifests(project, f"{mode}+canary")) for mode in ("hpa", "knative"))
    (canary,) = standard["canary"]
    assert canary["predictor"]["model"]["storageUri"] == knative["predictor"]["model"]["storageUri"] == following
    assert standard["predictor"]["model"]["storageUri"] == uri
    for name in ("hpa+canary", "knative+canary"):
        for manifest in manifests(project, name):
            assert [problem for judge in judges(manifest) for problem in judge(manifest)] == []
