"""The Deployments that KServe's controller makes of a service in Standard mode, as its source says.

`components/predictor.go` merges the runtime and the service, `utils.go` says how (a strategic merge; arguments are put
one after the other), and `deployment_reconciler.go` adds defaults. Not here: the container that downloads the model,
which a webhook adds to pods and is KServe's own.
"""

from __future__ import annotations

import copy
import json
from typing import Any

Manifest = dict[str, Any]
#: By which key Kubernetes merges the items of these lists; others are replaced.
KEYS = {"ports": "containerPort", "env": "name", "volumeMounts": "mountPath", "volumes": "name"}
#: What a runtime says of the pods; the rest of its pod is not taken.
OF_A_RUNTIME = ("nodeSelector", "affinity", "tolerations", "volumes", "imagePullSecrets", "schedulerName")
#: What a predictor has besides what a pod has.
OF_A_PREDICTOR = {
    *("annotations", "autoScaling", "canaryTrafficPercent", "labels", "logger", "maxReplicas", "minReplicas", "model"),
    *("name", "scaleMetric", "scaleTarget"),
}
OF_A_MODEL = {"modelFormat", "protocolVersion", "runtime", "storageUri"}


def merged(base: Any, over: Any, name: str = "") -> Any:
    """A strategic merge of what Kubernetes has as containers and pods."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: merged(base.get(key), value, key) for key, value in over.items()}}
    if name in KEYS and isinstance(base, list):
        key = KEYS[name]
        known = {item[key]: item for item in base}
        ours = [merged(known.pop(item[key], {}), item) for item in over]
        return [*known.values(), *ours] if name != "ports" else [*ours, *known.values()]
    return copy.deepcopy(over)


def runtime_of(model: Manifest, runtimes: list[Manifest]) -> Manifest | None:
    """The runtime that a model names, or that selects itself for it."""
    for runtime in runtimes:
        spec = runtime["spec"]
        formats = [item for item in spec["supportedModelFormats"] if item["name"] == model["modelFormat"]["name"]]
        named = model.get("runtime")
        chosen = runtime["metadata"]["name"] == named if named else any(item.get("autoSelect") for item in formats)
        if chosen and formats and model.get("protocolVersion", "v1") in [*spec["protocolVersions"]]:
            return runtime
    return None


def container_of(model: Manifest, runtime: Manifest) -> Manifest:
    """The runtime's container with what the model says laid over it."""
    (container,) = runtime["spec"]["containers"]
    ours = {key: value for key, value in model.items() if key not in OF_A_MODEL}
    result: Manifest = merged(container, {**ours, "name": "kserve-container"})
    result["args"] = [*container.get("args", []), *model.get("args", [])]
    return result


def predictors(service: Manifest) -> list[Manifest]:
    """The service's own predictor, and one for each canary, which has what it does not say from the first."""
    stable = service["spec"]["predictor"]
    return [stable, *(merged(stable, canary["predictor"]) for canary in service["spec"].get("canary", []))]


def deployments(found: list[Manifest]) -> list[Manifest]:
    """One for each predictor of the services in a set of manifests."""
    runtimes = [manifest for manifest in found if manifest["kind"] == "ServingRuntime"]
    services = [manifest for manifest in found if manifest["kind"] == "InferenceService"]
    return [deployment(service, each, runtimes) for service in services for each in predictors(service)]


def deployment(service: Manifest, predictor: Manifest, runtimes: list[Manifest]) -> Manifest:
    """The Deployment of one predictor."""
    name = service["metadata"]["name"]
    pod = {key: value for key, value in predictor.items() if key not in OF_A_PREDICTOR}
    runtime: Manifest = {"spec": {}}
    if "model" in predictor:
        runtime = runtime_of(predictor["model"], runtimes) or runtime
        pod = merged({key: runtime["spec"][key] for key in OF_A_RUNTIME if key in runtime["spec"]}, pod)
        pod["containers"] = [container_of(predictor["model"], runtime)]
    pod = json.loads(json.dumps(pod).replace("{{.Name}}", name))
    full = "-".join([name, *([predictor["name"]] if "name" in predictor else []), "predictor"])
    labels = {
        **service["metadata"].get("labels", {}),
        **predictor.get("labels", {}),
        "app": f"isvc.{full}",
        "component": "predictor",
        "serving.kserve.io/inferenceservice": name,
    }
    annotations = {**runtime["spec"].get("annotations", {}), **service["metadata"].get("annotations", {})}
    metadata = {
        "name": full,
        "namespace": service["metadata"]["namespace"],
        "labels": labels,
        "annotations": annotations,
    }
    pod = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "securityContext": {}, **pod}
    pod["containers"] = [{"imagePullPolicy": "IfNotPresent", **container} for container in pod["containers"]]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": {"app": f"isvc.{full}"}},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        },
    }
