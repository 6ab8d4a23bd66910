"""The generated manifests, held against all that a cluster would hold against them, strictly: it drops unknown keys.

Four judges, for the root manifest and for each folder of k8s/ as kustomize renders it: KServe's full CRDs, the models
of the kserve package, Kubernetes' own schemas, and the rules of KServe's and Knative's webhooks. Each can say no.
"""

from __future__ import annotations

import copy
import functools
import importlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from facts import FLAVOURS, FRAMEWORKS, QUESTIONS, SDKS, SKELETON, TEMPLATE
from kserve_deployment import container_of, deployments, runtime_of

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
#: The oldest Kubernetes whose schemas are asked.
KUBERNETES = "1.32"
MODE = f"{KSERVE}/deploymentMode"
PAGE = TEMPLATE / "docs" / "deploying.md"


def without(what: str) -> NoReturn:
    """Elsewhere a judge may be absent; CI that quietly stops asking it must not stay green."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


def module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        without(f"install {name.partition('.')[0]}")


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


@pytest.fixture(scope="session", params=["sklearn", max(FRAMEWORKS, key=len)])
def project(request: pytest.FixtureRequest, bake: Callable[..., Path]) -> Path:
    """Projects for KServe: of a framework, manifests have the name alone. KFServing's one has a section of its own."""
    return bake(request.param)


@pytest.fixture(scope="session")
def plain(bake: Callable[..., Path]) -> Path:
    """One project for KServe, with the default answers."""
    return bake("sklearn")


@pytest.fixture(params=SETS)
def rendered(request: pytest.FixtureRequest, project: Path) -> list[Manifest]:
    return manifests(project, request.param)


def one(found: list[Manifest], kind: str) -> Manifest:
    (manifest,) = [manifest for manifest in found if manifest["kind"] == kind]
    return manifest


# --- KServe's CRDs.


def schema_of(manifest: Manifest) -> dict[str, Any]:
    """The resource's full schema, from the folder that KSERVE_CRDS names."""
    folder = os.environ.get("KSERVE_CRDS")
    if not folder:
        without("set KSERVE_CRDS to a folder with KServe's CRD schemas as JSON")
    group, version = manifest["apiVersion"].split("/")
    file = Path(folder) / f"{group}_{version}_{manifest['kind'].lower()}s.json"
    content: dict[str, Any] = json.loads(file.read_text())
    for key in ("openAPIV3Schema", "schema"):
        content = content.get(key, content)
    return content


def strict(schema: Any) -> Any:
    """The schema, with every key that it does not list forbidden, and Kubernetes' extensions understood."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        return {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    closed = "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields")
    if closed and "additionalProperties" not in schema and isinstance(schema.get("type"), str):
        result["additionalProperties"] = False
    return result


def against_the_crd(manifest: Manifest) -> list[str]:
    return [error.message for error in crd(manifest["apiVersion"], manifest["kind"]).iter_errors(manifest)]


@functools.cache
def crd(version: str, kind: str) -> jsonschema.Draft202012Validator:
    schema = strict(schema_of({"apiVersion": version, "kind": kind}))
    schema["properties"]["metadata"] = {"type": "object"}  # described by Kubernetes, not by the CRD
    return jsonschema.Draft202012Validator(schema)


# --- The models of the kserve package.


def against_the_models(manifest: Manifest) -> list[str]:
    """What the package's class for this kind does not know or take."""
    models, kubernetes = module("kserve.models"), module("kubernetes.client")
    problems: list[str] = []

    def build(kind: str, value: Any, at: str) -> Any:
        inner = re.fullmatch(r"([Ll]ist|[Dd]ict)[\[(](?:str, )?(.*)[\])]", kind)
        if inner and inner[1].lower() == "list" and isinstance(value, list):
            return [build(inner[2], item, f"{at}[{n}]") for n, item in enumerate(value)]
        if inner and inner[1].lower() == "dict" and isinstance(value, dict):
            return {key: build(inner[2], item, f"{at}.{key}") for key, item in value.items()}
        simple = {"str": str, "int": int, "bool": bool, "object": object}
        # The package has a class for the last, and a cluster takes text, as for any quantity.
        simple |= {"ResourceQuantity": str, "V1beta1MetricQuantity": str}
        if kind in simple:
            if not isinstance(value, simple[kind]) or (kind == "int" and isinstance(value, bool)):
                problems.append(f"{at} is no {kind}")
            return value
        if inner or not isinstance(value, dict):
            problems.append(f"{at} is no {kind}")
            return value
        cls = getattr(models, kind, None) or getattr(kubernetes, kind)
        keys = {key: attribute for attribute, key in cls.attribute_map.items()}
        problems.extend(f"{kind} has no {key}" for key in value if key not in keys)
        known = {keys[key]: item for key, item in value.items() if key in keys}
        parts = {name: build(cls.openapi_types[name], item, f"{at}.{name}") for name, item in known.items()}
        try:
            return cls(**parts)
        except ValueError as error:  # of the package's own checks
            problems.append(f"{at}: {error}")

    version = manifest["apiVersion"].split("/")[1].capitalize()
    build(f"{version}{manifest['kind']}", manifest, manifest["kind"])
    return problems


# --- Kubernetes' own kinds.


def against_kubernetes(manifest: Manifest) -> list[str]:
    judge = module("kubernetes_validate")
    try:
        judge.validate(manifest, KUBERNETES, strict=True)
    except judge.ValidationError as error:
        return [error.message]
    return []


# --- Those of the Prometheus operator: the keys of its API that are used here, and no other ones.

OPERATOR = "monitoring.coreos.com/v1"
#: https://prometheus-operator.dev/docs/api-reference/api/
_KEYS: dict[str, dict[str, Any]] = {
    "PodMonitor": {
        "selector": {"matchLabels": {}},
        "podMetricsEndpoints": [
            {
                "path": "",
                "relabelings": [
                    {"sourceLabels": [""], "regex": "", "action": "", "replacement": "", "targetLabel": ""}
                ],
            }
        ],
    },
    "PrometheusRule": {
        "groups": [
            {"name": "", "rules": [{"alert": "", "expr": "", "for": "", "labels": {}, "annotations": {}}]},
        ]
    },
}


def against_the_operator(manifest: Manifest) -> list[str]:
    return _unknown(manifest["spec"], _KEYS[manifest["kind"]], "spec")


def _unknown(found: Any, known: Any, at: str) -> list[str]:
    if not isinstance(found, type(known)):
        return [f"{at} is no {type(known).__name__}"]
    if isinstance(found, list):
        return [problem for item in found for problem in _unknown(item, known[0], at)]
    if not isinstance(found, dict) or not known:
        return []
    return [
        problem
        for key, value in found.items()
        for problem in ([f"{at} has no {key}"] if key not in known else _unknown(value, known[key], f"{at}.{key}"))
    ]


# --- What the webhooks of KServe and Knative refuse beyond the schemas, or a controller cannot use.

FRAMEWORKS_OF_KSERVE = {
    "huggingface",
    "lightgbm",
    "onnx",
    "paddle",
    "pmml",
    "pytorch",
    "sklearn",
    "tensorflow",
    "triton",
    "xgboost",
}
SCALING = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling", "workerSpec")


def refusals(found: list[Manifest]) -> list[str]:
    """The reasons to refuse. A service that names no mode must be right in both."""
    runtimes = [manifest for manifest in found if manifest["kind"] == "ServingRuntime"]
    services = [manifest for manifest in found if manifest["kind"] == "InferenceService"]
    return [
        reason
        for reasons in (
            *(_of_a_name(manifest) for manifest in found),
            _of_runtimes(runtimes),
            *(_of_a_service(service, runtimes) for service in services),
        )
        for reason in reasons
    ]


def _of_a_name(manifest: Manifest) -> list[str]:
    name, made = manifest["metadata"]["name"], [manifest["metadata"]["name"], manifest["metadata"]["namespace"]]
    fits = re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    if manifest["kind"] == "InferenceService":
        fits = re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
        for canary in [{"predictor": {}}, *manifest["spec"].get("canary", [])]:
            made += _names_of_a_predictor(manifest, canary["predictor"].get("name"))
    long = [f"a name too long: {each}" for each in made if len(each) > 63]
    return ([] if fits else [f"the form of the name {name}"]) + long


def _names_of_a_predictor(service: Manifest, variant: str | None) -> list[str]:
    """The names that KServe makes of it: a label in Standard mode, and the first part of its host's name."""
    deployment = "-".join([service["metadata"]["name"], *([variant] if variant else []), "predictor"])
    return [f"isvc.{deployment}", f"{deployment}-{service['metadata']['namespace']}"]


def _of_runtimes(runtimes: list[Manifest]) -> list[str]:
    """Formats that two runtimes select themselves for, and containers."""
    reasons, taken = [], set()
    for runtime in runtimes:
        spec = runtime["spec"]
        for model_format in spec["supportedModelFormats"]:
            for protocol in spec["protocolVersions"]:
                key = (model_format["name"], model_format.get("version"), model_format.get("priority"), protocol)
                if model_format.get("autoSelect"):
                    reasons += ["two runtimes for one format"] if key in taken else []
                    taken.add(key)
            if model_format["name"] in FRAMEWORKS_OF_KSERVE:
                reasons.append("a format that KServe brings a runtime for")
        for container in spec["containers"]:
            reasons += _of_a_container(container)
    return reasons


def _of_a_service(service: Manifest, runtimes: list[Manifest]) -> list[str]:
    spec, mode = service["spec"], service["metadata"].get("annotations", {}).get(MODE)
    predictor, canaries = spec["predictor"], spec.get("canary", [])
    reasons = [] if mode in (None, "Standard", "Knative") else [f"the mode {mode}"]
    implementations = ({"model", "containers"} | FRAMEWORKS_OF_KSERVE) & set(predictor)
    if len(implementations) != 1:
        reasons.append("not one implementation")
    if predictor.get("model", {}).get("name"):
        reasons.append("a name of the model's container")
    minimum, maximum = predictor.get("minReplicas", 1), predictor.get("maxReplicas", 0)
    if minimum < 0 or (maximum and minimum > maximum):
        reasons.append("more replicas at least than at most")
    containers = list(predictor.get("containers", []))
    for model in [predictor.get("model"), *(canary["predictor"].get("model") for canary in canaries)]:
        if model:
            reasons += _of_a_container({"name": "kserve-container", **model})
            runtime = runtime_of(model, runtimes)
            reasons += [] if runtime else ["no runtime for the model"]
            containers += [container_of(model, runtime)] if runtime else []
    for container in containers:
        reasons += _of_a_container(container)
        ports = container.get("ports", [])
        if len(ports) > 1 and not all(port.get("name") for port in ports):
            reasons.append("several ports, and one without a name")
    if mode != "Knative":
        reasons += _in_standard(service, mode, predictor, canaries)
    if mode != "Standard":
        reasons += _in_knative(predictor, canaries, containers)
    return reasons


def _of_a_container(container: dict[str, Any]) -> list[str]:
    named = {variable["name"] for variable in container.get("env", [])}
    reasons = [f"the variable {name}" for name in ("PORT", "PYTHONPATH") if name in named]
    return reasons + ([] if container["name"] == "kserve-container" else ["a container's name"])


def _in_standard(service: Manifest, mode: str | None, predictor: Any, canaries: list[Any]) -> list[str]:
    reasons = ["canaryTrafficPercent, which Standard ignores"] if "canaryTrafficPercent" in predictor else []
    if mode and predictor.get("minReplicas") == 0:
        reasons.append("zero replicas, which Standard raises to one")
    if mode and predictor.get("scaleMetric", "cpu") not in ("cpu", "memory"):
        reasons.append("a metric of Knative's")
    if mode and not 1 <= predictor.get("scaleTarget", 80) <= 100:
        reasons.append("a target that is no percentage")
    if canaries and "model" not in predictor:
        reasons.append("a canary of something that is no model")
    names = [canary["predictor"].get("name") for canary in canaries]
    if not all(names) or len({*names, predictor.get("name")}) != len(names) + 1:
        reasons.append("canaries without names of their own")
    if sum(canary["trafficPercent"] for canary in canaries) > 100:
        reasons.append("more than all requests")
    for canary in canaries:
        reasons += [f"{key} of a canary" for key in SCALING if key in canary["predictor"]]
        if canary["predictor"].get("minReplicas", 0) > predictor.get("minReplicas", 1):
            reasons.append("more replicas of a canary")
    return reasons


def _in_knative(predictor: Any, canaries: list[Any], containers: list[Any]) -> list[str]:
    reasons = ["spec.canary, which is Standard's"] if canaries else []
    if predictor.get("scaleMetric", "rps") not in ("concurrency", "rps"):
        reasons.append("a metric of Standard's")
    if not 0 <= predictor.get("canaryTrafficPercent", 0) <= 100:
        reasons.append("more than all requests")
    if "terminationGracePeriodSeconds" in predictor:
        reasons.append("terminationGracePeriodSeconds")
    for container in containers:
        ports = container.get("ports", [])
        if len(ports) != 1 or ports[0].get("name", "") not in ("", "http1", "h2c"):
            reasons.append("ports other than one http1 or h2c")
        if "lifecycle" in container:
            reasons.append("lifecycle")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port and port not in [port["containerPort"] for port in ports]:
                reasons.append("a probe of another port")
    return reasons


# --- They take what is generated.


def judges(manifest: Manifest) -> list[Callable[[Manifest], list[str]]]:
    if manifest["apiVersion"].startswith(KSERVE):
        return [against_the_crd, against_the_models]
    return [against_the_operator if manifest["apiVersion"] == OPERATOR else against_kubernetes]


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


# --- Each of them can refuse.


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


# --- What the folders and components are for.


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
    """Kubernetes kills a pod after 30 seconds otherwise."""
    options = (project / f"{project.name}server" / "_engine" / "serving" / "options.py").read_text()
    defaults = dict(re.findall(r'self\.add\("((?:drain|deadline)_seconds)", "(\d+)"', options))
    for name in SETS:
        found = [item for item in manifests(project, name) if item["kind"] == "InferenceService"]
        for service in found:
            standard = service["metadata"].get("annotations", {}).get(MODE) == "Standard"
            grace = service["spec"]["predictor"].get("terminationGracePeriodSeconds")
            assert grace == (sum(map(int, defaults.values())) if standard else None), name
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


def spec(found: list[Manifest]) -> Manifest:
    service: Manifest = one(found, "InferenceService")["spec"]
    return service


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


#: Each answer at its longest, or such as a label does not take.
HOSTILE = [
    {"image_tag": "_" + "A" * 121, "storage_uri": "s3://bucket/" + "-a" * 200},
    {"image_tag": "__.", "storage_uri": "https://example.com/모델.tar.gz?sig=SECRET"},
    {"model_name": "m" * 41, "namespace": "n" * 4, "image_tag": "v" * 62 + ".", "storage_uri": "gs://b/."},
]


@pytest.mark.parametrize("answers", HOSTILE)
def test_labels_are_the_recommended_ones_and_such_as_kubernetes_takes(
    bake: Callable[..., Path], answers: dict[str, str]
) -> None:
    """On everything, and on the pods the model's version besides; no secret of an address is in one."""
    project = bake("sklearn", **answers)
    for name in WHOLE:
        found = manifests(project, name)
        for manifest in found + deployments(found):
            labels = manifest["metadata"]["labels"]
            assert labels["app.kubernetes.io/name"] == "sklearnserver"
            assert {"app.kubernetes.io/version", "app.kubernetes.io/component"} <= labels.keys(), name
            for label in labels.values():
                assert re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", label) and len(label) <= 63
                assert "SECRET" not in label
        assert all("model-version" in each["metadata"]["labels"] for each in deployments(found))
        assert all(
            against_kubernetes(each) == not_restricted(each["spec"]["template"]["spec"]) == [] for each in pods(found)
        )
        assert refusals(found) == []


# --- What reviewers of clusters look at: the pods that KServe makes, and those of the training.


def pods(found: list[Manifest]) -> list[Manifest]:
    """Deployments, KServe's and ours, Jobs, and what CronJobs make."""
    nightly = [manifest["spec"]["jobTemplate"] for manifest in found if manifest["kind"] == "CronJob"]
    jobs = [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, **job} for job in nightly]
    return [*deployments(found), *(manifest for manifest in found if manifest["kind"] in ("Deployment", "Job")), *jobs]


def not_restricted(pod: Manifest) -> list[str]:
    """What PodSecurity's level `restricted` refuses (kubernetes.io/docs/concepts/security/pod-security-standards)."""
    reasons = [f"{key} of the pod" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    reasons += [f"the volume {volume['name']}" for volume in pod.get("volumes", []) if not kinds & volume.keys()]
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
        reasons += ["privileged"] if context.get("privileged") else []
        reasons += [] if context.get("allowPrivilegeEscalation") is False else ["allowPrivilegeEscalation"]
        reasons += [] if context.get("runAsNonRoot") is True and context.get("runAsUser") != 0 else ["runAsNonRoot"]
        reasons += [] if "ALL" in context.get("capabilities", {}).get("drop", []) else ["capabilities"]
        reasons += (
            ["added capabilities"] if set(context.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"} else []
        )
        profile = context.get("seccompProfile", {}).get("type")
        reasons += [] if profile in ("RuntimeDefault", "Localhost") else ["seccompProfile"]
        reasons += [f"hostPort {port['hostPort']}" for port in container.get("ports", []) if port.get("hostPort")]
    return reasons


def test_pods_are_what_a_restricted_namespace_takes_and_have_no_token(project: Path) -> None:
    for name in SETS:
        for manifest in pods(manifests(project, name)):
            pod = manifest["spec"]["template"]["spec"]
            assert against_kubernetes(manifest) == []
            assert not_restricted(pod) == []
            assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
            scratch = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
            assert scratch and all(folder.get("sizeLimit") for folder in scratch)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("privileged", True, "privileged"),
        ("runAsNonRoot", False, "runAsNonRoot"),
        ("seccompProfile", {"type": "Unconfined"}, "seccompProfile"),
        ("capabilities", {"add": ["SYS_ADMIN"]}, "added capabilities"),
    ],
)
def test_a_restricted_namespace_would_refuse(project: Path, key: str, value: Any, reason: str) -> None:
    found = manifests(project, "production")
    spec(found)["predictor"]["model"]["securityContext"] = {key: value}
    (deployment,) = deployments(found)
    assert reason in not_restricted(deployment["spec"]["template"]["spec"])


def test_the_merge_is_the_one_that_kubernetes_does(project: Path, tmp_path: Path) -> None:
    """kubectl does it too, without a cluster; the double of KServe's controller stands on it."""
    found = manifests(project, "hpa+grpc")
    runtime, model = one(found, "ServingRuntime"), spec(found)["predictor"]["model"]
    (container,) = runtime["spec"]["containers"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [container]}}
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    keys = model.keys() - {"modelFormat", "storageUri", "args"}
    patch = {"spec": {"containers": [{"name": "kserve-container", **{key: model[key] for key in keys}}]}}
    command = [
        "kubectl",
        "patch",
        "--local",
        "-f",
        "pod.json",
        "--type=strategic",
        f"-p={json.dumps(patch)}",
        "-o=json",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (merged,) = json.loads(run.stdout)["spec"]["containers"]
    ours = container_of({**model, "args": []}, runtime)
    assert {key: value for key, value in ours.items() if value} == {
        key: value for key, value in merged.items() if value
    }


#: Checks of checkov that are not met, and why.
NOT_MET = {
    "CKV2_K8S_6": "a NetworkPolicy is a component, which production has",
    "CKV_K8S_11": "training may have the cores that are idle",
    "CKV_K8S_15": "KServe's default pull policy is enough where a tag is never pushed again",
    "CKV_K8S_35": "rclone logs in with variables; for the upload alone",
    "CKV_K8S_40": "1000 is the image's user, and owns nothing on a host",
    "CKV_K8S_43": "a digest is known once the image is pushed",
}


def test_checkov_finds_nothing_but_what_is_explained_and_would_find_a_privileged_pod(
    plain: Path, tmp_path: Path
) -> None:
    """It knows no InferenceServices, so it looks at the Deployments that KServe makes of them."""
    sets = {
        name: manifests(plain, name)
        for name in ("root", "production", "training", "training-bucket", "scoring", "scoring-nightly", "hpa+canary")
    }
    sets["privileged"] = copy.deepcopy(sets["production"])
    spec(sets["privileged"])["predictor"]["model"]["securityContext"] = {"privileged": True}
    for name, found in sets.items():
        known = [manifest for manifest in found if not manifest["apiVersion"].startswith(KSERVE)]
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all([*known, *deployments(found)]))
    uv = str(Path(sys.executable).with_name("uv"))
    # Without its downloads, which ask its maker's service.
    options = "--directory . --framework kubernetes --skip-download --output json --quiet"
    command = f"{uv} tool run --from checkov==3.3.30 checkov {options}"
    run = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    failed = [
        (check["file_path"].strip("/"), check["check_id"])
        for check in json.loads(run.stdout)["results"]["failed_checks"]
    ]
    assert ("privileged.yaml", "CKV_K8S_16") in failed
    assert {check for file, check in failed if file != "privileged.yaml"} == NOT_MET.keys()
    in_production = {check for file, check in failed if file == "production.yaml"}
    assert in_production == {"CKV_K8S_15", "CKV_K8S_40", "CKV_K8S_43"}


def test_policies_choose_the_pods_of_the_model_and_no_others(project: Path) -> None:
    found = manifests(project, "production")
    budget, policy = one(found, "PodDisruptionBudget")["spec"], one(found, "NetworkPolicy")["spec"]
    (deployment,) = deployments(found)
    template = deployment["spec"]["template"]
    spreads = template["spec"]["topologySpreadConstraints"]
    for selector in (budget["selector"], policy["podSelector"], *(spread["labelSelector"] for spread in spreads)):
        assert selector["matchLabels"].items() <= template["metadata"]["labels"].items()
        assert selector["matchLabels"]["serving.kserve.io/inferenceservice"] == f"{project.name}server-test"
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443, 8080}
    assert {spread["topologyKey"] for spread in spreads} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


def test_the_receiver_of_payloads_is_found_by_those_who_ask_it_and_by_nobody_else(plain: Path) -> None:
    """Names, labels and ports on both sides of each connection, and the options of the command."""
    found = manifests(plain, "hpa+logger+network")
    (pod,) = [each["spec"]["template"] for each in found if each["kind"] == "Deployment"]
    (model,) = deployments(found)
    (container,), labels = pod["spec"]["containers"], pod["metadata"]["labels"].items()
    service = one(found, "Service")["spec"]
    policies = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "NetworkPolicy"}
    own, models = policies["sklearnserver-test-payloads"], policies["sklearnserver-test"]
    assert service["selector"].items() <= labels
    assert [service["ports"][0]["targetPort"]] == [port["containerPort"] for port in container["ports"]]
    assert own["podSelector"]["matchLabels"].items() <= labels
    assert not own["podSelector"]["matchLabels"].items() <= model["spec"]["template"]["metadata"]["labels"].items()
    (asked,) = own["ingress"][0]["from"]
    assert asked["podSelector"]["matchLabels"].items() <= model["spec"]["template"]["metadata"]["labels"].items()
    told = models["egress"][-1]
    assert told["to"][0]["podSelector"]["matchLabels"].items() <= labels
    assert told["ports"][0]["port"] == own["ingress"][0]["ports"][0]["port"] == 8080
    run = [sys.executable, *container["command"][1:], *container["args"], "--help"]
    help = subprocess.run(run, cwd=plain, capture_output=True, text=True, check=True).stdout
    assert "--keep_mib" in help
    url = next(each for each in container["args"] if each.startswith("--model_url="))
    assert url.endswith("http://sklearnserver-test-predictor.test.svc/v2/models/sklearnserver-test")


# --- Memory, size of requests, concurrency.


def test_memory_suffices_for_the_bytes_in_flight_everywhere(project: Path) -> None:
    """The numbers are made of one line of cookiecutter.json, and the page has a table that agrees."""
    serving = QUESTIONS["_serving"]
    for name in ("root", "production"):
        (deployment,) = deployments(manifests(project, name))
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        options = dict(argument.lstrip("-").split("=") for argument in container["args"])
        largest, in_flight = int(options["max_buffer_size"]), int(options["max_bytes_in_flight"])
        limit = container["resources"]["limits"]["memory"]
        assert largest == serving["largest_request_mib"] * 2**20 <= in_flight
        assert (
            int(limit.removesuffix("Mi")) * 2**20
            >= serving["server_mib"] * 2**20 + serving["memory_per_byte"] * in_flight
        )
        row = f"| 100 MiB, as generated | {largest} | {in_flight} | {limit} |"
        assert row in PAGE.read_text()
    for _, in_flight_text, memory in re.findall(
        r"^\| \d+ MiB.*?\| (\d+) \| (\d+) \| (\d+)Mi", PAGE.read_text(), re.MULTILINE
    ):
        needed = serving["server_mib"] + serving["memory_per_byte"] * int(in_flight_text) / 2**20
        assert int(memory) >= needed


def test_a_run_of_the_trainer_can_be_served(project: Path) -> None:
    found = manifests(project, "training")
    pod = one(found, "Job")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (root,) = manifests(project, "root")
    (server,) = root["spec"]["predictor"]["containers"]
    assert container["image"] == f"{server['image']}-train"
    assert container["command"] == ["python", "-m", f"{project.name}server.trainer"]
    assert {"mountPath": "/mnt/volume", "name": "volume"} in container["volumeMounts"]
    claims = [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]]
    assert one(found, "PersistentVolumeClaim")["metadata"]["name"] in claims


@pytest.mark.parametrize("name", ["scoring", "scoring-nightly"])
def test_the_parts_of_a_scoring_are_those_of_its_job(project: Path, name: str) -> None:
    """As many as the Job has, and all into one folder, which is another one for the next run."""
    found = manifests(project, name)
    (job,) = pods(found)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert f"--shard=$(PART)/{job['spec']['completions']}" in container["args"]
    sources = {variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"] for variable in container["env"]}
    assert sources == {
        "RUN": "metadata.labels['batch.kubernetes.io/job-name']",
        "PART": "metadata.annotations['batch.kubernetes.io/job-completion-index']",
    }
    assert "/mnt/volume/scores/$(RUN)" in container["args"]
    train = pods(manifests(project, "training"))[0]["spec"]["template"]["spec"]
    assert container["image"] == train["containers"][0]["image"]
    assert train["volumes"][0] == job["spec"]["template"]["spec"]["volumes"][0]
    assert [manifest["kind"] for manifest in found] == ["CronJob" if name == "scoring-nightly" else "Job"]


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("gs://bucket/a", ":gcs:bucket/a"),
        ("s3://bucket/a", ":s3:bucket/a"),
        ("hf://a/b", ":s3:REPLACE-WITH-BUCKET/models"),
    ],
)
def test_a_run_of_the_trainer_can_end_in_a_bucket(bake: Callable[..., Path], uri: str, remote: str) -> None:
    """What the run wrote, and only if it succeeded, goes where the server reads."""
    project = bake("sklearn", storage_uri=uri)
    train = one(manifests(project, "training"), "Job")["spec"]["template"]["spec"]["containers"]
    pod = one(manifests(project, "training-bucket"), "Job")["spec"]["template"]["spec"]
    assert pod["initContainers"] == train
    (upload,) = pod["containers"]
    assert upload["args"] == ["copy", "/mnt/volume/models", remote]
    secret = one(manifests(project, "hpa+credentials"), "Secret")["metadata"]["name"]
    assert upload["envFrom"] == [{"secretRef": {"name": secret, "optional": True}}]


@pytest.mark.parametrize("answer", ["true", "on", "null"])
def test_an_answer_that_looks_like_another_type_is_text_in_every_manifest(
    bake: Callable[..., Path], answer: str
) -> None:
    project = bake("sklearn", model_name=answer, namespace="1e3", image_registry="123", storage_uri="s3://bucket/a/")
    for manifest in [manifest for name in WHOLE for manifest in manifests(project, name)]:
        assert manifest["metadata"]["namespace"] == "1e3"
        assert manifest["kind"] != "InferenceService" or manifest["metadata"]["name"] == answer
        assert all(judge(manifest) == [] for judge in judges(manifest))


#: Each question answered with what it takes, and YAML or a shell might take for something else.
ODD = {
    "model_name": "null",
    "namespace": "0x1f",
    "image_registry": "[::1]:5000/a__b",
    "image_tag": "1e3",
    "storage_uri": "s3://bucket/!a:*&b,[c]@%20#?=~-모델\N{PILE OF POO}//",
}


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("registry", [ODD["image_registry"], "123", "LOCALHOST:1", "[fe80:0:0::1]"])
def test_every_answer_arrives_as_it_was_typed(bake: Callable[..., Path], sdk: str, registry: str) -> None:
    """In every manifest, wherever it stands there."""
    project = bake("sklearn", serving_sdk=sdk, **{**ODD, "image_registry": registry})
    image, uri = f"{registry}/sklearnserver:{ODD['image_tag']}", ODD["storage_uri"]
    seen = set()
    for name in WHOLE if sdk == "kserve" else ["root", *SDKS[sdk]["k8s"]]:
        for manifest in manifests(project, name):
            assert manifest["metadata"]["namespace"] == ODD["namespace"]
            assert manifest["kind"] != "InferenceService" or manifest["metadata"]["name"] == ODD["model_name"]
            seen |= set(strings(manifest))
    assert {text for text in seen if "sklearnserver:" in text} == {image, f"{image}-train"}
    addresses = {uri, uri.replace("s3://", ":s3:"), *([f"{uri.rstrip('/')}/0002"] if sdk == "kserve" else [])}
    queries = {text for text in seen if "_bucket{" in text}  # of histograms, which have buckets of their own
    assert {text for text in seen - queries if "bucket" in text} == addresses
    for file, value in [("Makefile", f"IMAGE = {image}"), ("sklearn.Dockerfile", f'version="{ODD["image_tag"]}"')]:
        assert value in (project / file).read_text()


def strings(value: Any) -> list[str]:
    """All texts in a manifest, however deep."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(("model", "namespace"), [(41, 4), (23, 22), (1, 44), (42, 1), (33, 22), (31, 16), (46, 6)])
def test_names_as_long_as_the_questions_take_them_are_none_too_long(
    bake: Callable[..., Path], model: int, namespace: int
) -> None:
    """Nothing that a project or KServe makes of them has more than 63 characters; longer answers are refused."""
    try:
        project = bake("huggingface", model_name="m" * model, namespace="n" * namespace)
    except FailedHookException:
        assert model > 41 or model + namespace > 45
        return
    for name in WHOLE:
        assert refusals(manifests(project, name)) == []


# --- KFServing's.


@pytest.mark.parametrize("model", [45, 46])
def test_kfservings_names_are_none_too_long(bake: Callable[..., Path], model: int) -> None:
    """KFServing calls the service <model_name>-predictor-default, and leaves the namespace apart from it."""
    try:
        project = bake("sklearn", serving_sdk="kfserving", model_name="m" * model, namespace="n" * 63)
    except FailedHookException:
        assert model > 45
        return
    (manifest,) = manifests(project, "root")
    assert len(f"{manifest['metadata']['name']}-predictor-default") <= 63


@pytest.mark.parametrize("framework", [framework for framework, sdk in FLAVOURS if sdk == "kfserving"])
def test_kfservings_manifest_is_one_that_its_clusters_take(bake: Callable[..., Path], framework: str) -> None:
    """By its CRD, and by what Knative refused in 2021 (knative/serving issues 10037 and 13395)."""
    project = bake(framework, serving_sdk="kfserving", model_name="churn")
    (manifest,) = manifests(project, "root")
    assert manifest["apiVersion"] == "serving.kubeflow.org/v1beta1"
    assert against_the_crd(manifest) == []
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert container["name"] == "kfserving-container"
    assert container["readinessProbe"]["httpGet"]["path"] == "/v1/models/churn"
    assert not {"startupProbe", "securityContext", "lifecycle"} & container.keys()
    container["imagePulPolicy"] = "Always"
    assert any("imagePulPolicy" in message for message in against_the_crd(manifest))


def test_a_project_of_kfserving_trains_on_the_cluster_as_any(bake: Callable[..., Path]) -> None:
    project = bake("sklearn", serving_sdk="kfserving")
    folders = sorted(path.name for path in (project / "k8s").iterdir())
    assert folders == SDKS["kfserving"]["k8s"]
    for manifest in [manifest for folder in folders for manifest in manifests(project, folder)]:
        assert against_kubernetes(manifest) == []


# --- docs/deploying.md: what is in a ```bash block runs here, what is in a ```console block needs a cluster.


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return [line for block in found for line in block.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", blocks("bash"))
def test_commands_of_the_page_run(bake: Callable[..., Path], line: str) -> None:
    if line.startswith("kubectl") and not shutil.which("kubectl"):
        without("install kubectl")
    # The image and what is typed with it are for test_image.py and test_journey.py.
    command = line.replace("make ", "make --dry-run ")
    run = subprocess.run(["bash", "-c", command], cwd=bake("sklearn"), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_page_names_what_there_is() -> None:
    """Its folders by their names, and its components in the rows of the table."""
    text = PAGE.read_text()
    assert set(re.findall(r"k8s/([a-z-]+)", text)) == {*FOLDERS, "components"}
    table = text[text.index("| in `k8s/components`") :].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))) == set(
        COMPONENTS
    )
    for line in blocks("console"):
        assert line.startswith(("kubectl ", "make ", "curl ")), line
