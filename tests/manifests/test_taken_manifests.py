"""All that is generated is what a cluster takes, by all that judges it; and each judge can refuse."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from manifest_judges import against_kubernetes, against_the_crd, against_the_models, judges
from manifest_sets import KSERVE, MODE, Manifest, manifests, one
from webhooks import refusals


def test_every_key_is_one_that_the_cluster_knows(rendered: list[Manifest]) -> None:
    for manifest in rendered:
        if manifest["apiVersion"].startswith(KSERVE):
            assert against_the_crd(manifest) == []


def test_the_kserve_package_has_the_same_idea_of_it(rendered: list[Manifest]) -> None:
    for manifest in rendered:
        if manifest["apiVersion"].startswith(KSERVE):
            assert against_the_models(manifest) == []


def test_kubernetes_own_kinds_fit_its_schemas(rendered: list[Manifest]) -> None:
    for manifest in rendered:
        if not manifest["apiVersion"].startswith(KSERVE):
            assert [problem for judge in judges(manifest) for problem in judge(manifest)] == []


def test_the_webhooks_would_take_it(rendered: list[Manifest]) -> None:
    assert refusals(rendered) == []


def test_an_unknown_key_would_be_found(project: Path) -> None:
    (manifest,) = manifests(project, "root")
    manifest["spec"]["predictor"]["containers"][0]["imagePulPolicy"] = "Always"
    assert any("imagePulPolicy" in message for message in against_the_crd(manifest))


@pytest.mark.parametrize(
    "key,value,message",
    [
        ("imagePulPolicy", "Always", "V1Container has no imagePulPolicy"),
        ("image", 1, "is no str"),
        ("ports", {}, "containers[0].ports is no"),
        ("ports", [{"name": "http1"}], "containers[0].ports[0]: "),
        ("resources", {"limits": {"cpu": 1}}, "limits.cpu is no"),
    ],
)
def test_the_kserve_package_would_refuse(project: Path, key: str, value: Any, message: str) -> None:
    (manifest,) = manifests(project, "root")
    manifest["spec"]["predictor"]["containers"][0][key] = value
    assert any(message in problem for problem in against_the_models(manifest))


@pytest.mark.parametrize("name,kind", [("hpa+credentials", "Secret"), ("hpa+credentials", "ServiceAccount")])
def test_kubernetes_schemas_would_refuse(project: Path, name: str, kind: str) -> None:
    manifest = one(manifests(project, name), kind)
    manifest["stringDate"] = {}
    assert any("stringDate" in message for message in against_kubernetes(manifest))


@pytest.mark.parametrize("kind,key", [("Job", "template"), ("PersistentVolumeClaim", "resources")])
def test_kubernetes_schemas_would_refuse_deep_inside(project: Path, kind: str, key: str) -> None:
    manifest = one(manifests(project, "training"), kind)
    manifest["spec"][key]["unknown"] = 1
    assert any("unknown" in message for message in against_kubernetes(manifest))


def at(path: str, value: Any) -> Callable[[Manifest], None]:
    """Put a value where the path leads."""

    def change(manifest: Manifest) -> None:
        *parts, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        place: Any = manifest
        for part in parts:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
        place[last] = value

    return change


CONTAINER = "spec.predictor.containers.0"


@pytest.mark.parametrize(
    "name,kind,change,reason",
    [
        ("root", "InferenceService", at("metadata.name", "Churn"), "the form of the name"),
        ("root", "InferenceService", at("metadata.name", "1st"), "the form of the name"),
        ("root", "InferenceService", at("metadata.name", "a" * 49), "a name too long: isvc."),
        ("root", "InferenceService", at("metadata.namespace", "a" * 52), "-predictor-aaaa"),
        ("hpa+credentials", "Secret", at("metadata.name", "a" * 64), "a name too long"),
        ("root", "InferenceService", at("spec.predictor.sklearn", {}), "not one implementation"),
        ("root", "InferenceService", at("spec.predictor", {}), "not one implementation"),
        ("root", "InferenceService", at(f"{CONTAINER}.name", "server"), "a container's name"),
        ("root", "InferenceService", at(f"{CONTAINER}.env.0.name", "PYTHONPATH"), "the variable PYTHONPATH"),
        ("root", "InferenceService", at(f"{CONTAINER}.env.0.name", "PORT"), "the variable PORT"),
        ("root", "InferenceService", at(f"{CONTAINER}.ports.0.name", "grpc"), "ports other than one"),
        ("root", "InferenceService", at(f"{CONTAINER}.ports.0.containerPort", 8081), "a probe of another port"),
        ("root", "InferenceService", at(f"{CONTAINER}.lifecycle", {}), "lifecycle"),
        ("root", "InferenceService", at("spec.predictor.terminationGracePeriodSeconds", 60), "terminationGrace"),
        ("runtime", "ServingRuntime", at("metadata.name", "sklearn_server"), "the form of the name"),
        ("runtime", "ServingRuntime", at("spec.supportedModelFormats.0.name", "sklearn"), "brings a runtime"),
        ("runtime", "ServingRuntime", at("spec.containers.0.env", [{"name": "PYTHONPATH"}]), "the variable PYTHONPATH"),
        ("runtime", "InferenceService", at("spec.predictor.model.modelFormat.name", "other"), "no runtime"),
        ("runtime", "InferenceService", at("spec.predictor.model.protocolVersion", "v3"), "no runtime"),
        ("runtime", "InferenceService", at("spec.predictor.model.env", [{"name": "PORT"}]), "the variable PORT"),
        ("runtime", "InferenceService", at("spec.predictor.model.name", "kserve-container"), "a name of the model's"),
        ("standard", "InferenceService", at("metadata.annotations", {MODE: "Serverles"}), "the mode Serverles"),
        ("standard", "InferenceService", at("spec.predictor.minReplicas", 9), "more replicas at least"),
        ("standard", "InferenceService", at("spec.predictor.minReplicas", 0), "zero replicas"),
        ("standard", "InferenceService", at("spec.predictor.scaleMetric", "concurrency"), "a metric of Knative's"),
        ("standard", "InferenceService", at("spec.predictor.scaleTarget", 200), "no percentage"),
        ("standard", "InferenceService", at("spec.predictor.canaryTrafficPercent", 10), "which Standard ignores"),
        ("hpa+grpc", "InferenceService", at("spec.predictor.model.ports.0.name", ""), "one without a name"),
        ("knative", "InferenceService", at("spec.predictor.scaleMetric", "cpu"), "a metric of Standard's"),
        ("keda", "InferenceService", at("spec.predictor.minReplicas", 0), "zero replicas"),
        ("knative+grpc-knative", "InferenceService", at("spec.predictor.model.runtime", "other"), "no runtime"),
        ("knative", "InferenceService", at("spec.canary", [{"trafficPercent": 1, "predictor": {}}]), "is Standard's"),
        ("knative+canary", "InferenceService", at("spec.predictor.canaryTrafficPercent", 101), "more than all"),
        (
            "knative+grpc-knative",
            "ServingRuntime",
            at("spec.containers.0.ports.0.name", "grpc"),
            "ports other than one",
        ),
        ("hpa+canary", "InferenceService", at("spec.canary.0.predictor.name", ""), "names of their own"),
        ("hpa+canary", "InferenceService", at("spec.predictor.name", "canary"), "names of their own"),
        ("hpa+canary", "InferenceService", at("spec.canary.0.predictor.name", "c" * 50), "name too long"),
        ("hpa+canary", "InferenceService", at("spec.canary.0.trafficPercent", 101), "more than all requests"),
        (
            "hpa+canary",
            "InferenceService",
            at("spec.canary.0.predictor.maxReplicas", 2),
            "maxReplicas of a canary",
        ),
        ("hpa+canary", "InferenceService", at("spec.canary.0.predictor.minReplicas", 3), "replicas of a canary"),
        ("hpa+canary", "InferenceService", at("spec.predictor", {"containers": []}), "that is no model"),
    ],
)
def test_the_webhooks_would_refuse(
    project: Path, name: str, kind: str, change: Callable[[Manifest], None], reason: str
) -> None:
    found = manifests(project, name)
    change(one(found, kind))
    assert any(reason in refusal for refusal in refusals(found)), refusals(found)


def test_two_runtimes_for_one_format_would_be_found(project: Path) -> None:
    found = manifests(project, "runtime")
    other = copy.deepcopy(one(found, "ServingRuntime"))
    other["metadata"]["name"] = "other"
    assert refusals([*found, other]) == ["two runtimes for one format"] * 3
