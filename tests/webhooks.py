"""What is refused beyond the schemas: by the webhooks of KServe and Knative, by PodSecurity, or because a controller
cannot use it.
"""

from __future__ import annotations

import re
from typing import Any

from kserve_deployment import container_of, runtime_of
from manifest_sets import MODE, Manifest

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
