"""A kubectl whose cluster is a file: `python kserve_double.py STATE ARGUMENTS`. It does what KServe's controller does.

Its script is what was seen on a real cluster, and what KServe's source says (components/predictor.go and
ksvc_reconciler.go). A change is taken up one look later. Pods are replaced while the service says that it is ready. A
canary has its share once a pod of it is available, and is gone as soon as the spec does not name it; its autoscaler
stays behind. Each call lets time pass by one step, and writes down which version got what share of the requests in it.

Not here: what a rollout must do (test_rollout.py).
"""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

Object = dict[str, Any]
SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"
#: Steps until a pod is ready.
START = 2


def create(mode: str, name: str, uri: str) -> Object:
    """The state in which a service of one version has settled."""
    predictor = {"minReplicas": 2, "model": {"modelFormat": {"name": "sklearnserver"}, "storageUri": uri}}
    state: Object = {
        "mode": mode,
        "name": name,
        "service": {"metadata": {"name": name}, "spec": {"predictor": predictor}, "status": {"deploymentMode": mode}},
        "deployments": {},
        "autoscalers": [],
        "revisions": [],
        "rolled_out": "",
        "broken": [],
        "seen": [],
    }
    state["spec"] = copy.deepcopy(state["service"]["spec"])
    for _ in range(2 * START):
        step(state)
    state["seen"].clear()
    return state


def step(state: Object) -> None:
    """Let time pass: the controller works on what it saw the step before, and pods start."""
    spec, state["spec"] = state["spec"], copy.deepcopy(state["service"]["spec"])
    shares = (_standard if state["mode"] == "Standard" else _knative)(state, spec)
    assert abs(sum(shares.values()) - 1) < 1e-9, shares
    state["seen"].append(shares)


def _standard(state: Object, spec: Object) -> dict[str, float]:
    """Reconcile the Deployments; returns what share each version gets."""
    stable = f"{state['name']}-predictor"
    wanted = {stable: spec["predictor"]["model"]["storageUri"]}
    weights: dict[str, float] = {}
    for canary in spec.get("canary") or []:
        name = f"{state['name']}-{canary['predictor']['name']}-predictor"
        wanted[name] = canary["predictor"]["model"]["storageUri"]
        weights[name] = canary["trafficPercent"] / 100
    state["autoscalers"] = sorted({*state["autoscalers"], *wanted})
    state["deployments"] = {name: found for name, found in state["deployments"].items() if name in wanted}
    for name, uri in wanted.items():
        deployment = state["deployments"].setdefault(name, {"generation": 0, "observed": 0, "uri": "", "pods": []})
        deployment["observed"] = deployment["generation"]
        if deployment["uri"] != uri:
            deployment["uri"], deployment["generation"] = uri, deployment["generation"] + 1
        else:
            _replace(deployment, state["broken"])
    ready = {name: _ready(found) for name, found in state["deployments"].items()}
    state["service"]["status"]["canaryStatuses"] = [
        {"name": name, "ready": bool(ready[name]), "trafficPercent": round(100 * weight)}
        for name, weight in weights.items()
    ]
    weights = {name: weight for name, weight in weights.items() if ready[name]}
    weights[stable] = 1 - sum(weights.values())
    shares: dict[str, float] = {}
    for name, weight in weights.items():
        for pod in ready[name]:
            shares[pod["uri"]] = shares.get(pod["uri"], 0) + weight / len(ready[name])
    return shares or {"nothing": 1.0}


def _replace(deployment: Object, broken: list[str]) -> None:
    """One step of a rolling update of two pods: first one more, and an old one goes when a new one is ready."""
    for pod in deployment["pods"]:
        pod["age"] += pod["uri"] not in broken
    new = [pod for pod in deployment["pods"] if pod["uri"] == deployment["uri"]]
    old = [pod for pod in deployment["pods"] if pod["uri"] != deployment["uri"]]
    if old and len(_ready({"pods": new})) > 2 - len(old):
        old.pop()
    if len(new) < 2 and len(new) + len(old) < 3:
        new.append({"uri": deployment["uri"], "age": 0})
    deployment["pods"] = new + old


def _ready(deployment: Object) -> list[Object]:
    return [pod for pod in deployment["pods"] if pod["age"] >= START]


def _knative(state: Object, spec: Object) -> dict[str, float]:
    """Make a revision of each change, and route to the newest that is ready and the last that had all."""
    predictor, revisions = spec["predictor"], state["revisions"]
    template = {key: value for key, value in predictor.items() if key not in ("canaryTrafficPercent", "minReplicas")}
    if not revisions or revisions[-1]["template"] != template:
        revisions.append({"name": f"r{len(revisions) + 1}", "template": template, "age": 0})
    for revision in revisions:
        revision["age"] += revision["template"]["model"]["storageUri"] not in state["broken"]
    ready = [revision for revision in revisions if revision["age"] >= START]
    if not ready:
        return {"nothing": 1.0}
    newest, before, share = ready[-1], state["rolled_out"], predictor.get("canaryTrafficPercent")
    percent = 100 if share is None or not before else share
    traffic = [{"revisionName": newest["name"], "latestRevision": True, "percent": percent}]
    if percent < 100:
        traffic.append({"revisionName": before, "latestRevision": False, "percent": 100 - percent})
    else:
        state["rolled_out"] = newest["name"]
    state["service"]["status"]["components"] = {
        "predictor": {
            "latestCreatedRevision": revisions[-1]["name"],
            "latestReadyRevision": newest["name"],
            "latestRolledoutRevision": state["rolled_out"],
            "traffic": traffic,
        }
    }
    shares: dict[str, float] = {}
    for target in traffic:
        (revision,) = [found for found in revisions if found["name"] == target["revisionName"]]
        uri = revision["template"]["model"]["storageUri"]
        shares[uri] = shares.get(uri, 0) + target["percent"] / 100
    return shares


def merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        result[key] = merged(result.get(key), item)
    return {key: item for key, item in result.items() if item is not None}


def get(state: Object, kind: str, name: str) -> Object | None:
    """What kubectl shows of an object."""
    if kind == "inferenceservice":
        return state["service"] if name == state["name"] else None
    if kind == "revision.serving.knative.dev":
        found = [revision for revision in state["revisions"] if revision["name"] == name]
        uri = found[0]["template"]["model"]["storageUri"] if found else ""
        return {"metadata": {"name": name, "annotations": {SOURCE: uri}}} if found else None
    assert kind == "deployment", kind
    deployment = state["deployments"].get(name)
    if not deployment:
        return None
    updated = [pod for pod in deployment["pods"] if pod["uri"] == deployment["uri"]]
    return {
        "metadata": {"name": name, "generation": deployment["generation"]},
        "spec": {"replicas": 2, "template": {"metadata": {"annotations": {SOURCE: deployment["uri"]}}}},
        "status": {
            "observedGeneration": deployment["observed"],
            "replicas": len(deployment["pods"]),
            "updatedReplicas": len(updated),
            "availableReplicas": len(_ready(deployment)),
        },
    }


def main(file: Path, *arguments: str) -> int:
    """One call of kubectl."""
    state = json.loads(file.read_text())
    step(state)
    options = dict(re.findall(r"--([a-z-]+)=(.*)", "\n".join(arguments)))
    verb, kind, name = [argument for argument in arguments if not argument.startswith("--")]
    if verb == "get":
        found = get(state, kind, name)
        print(json.dumps(found) if found else "")
    elif verb == "patch":
        assert kind == "inferenceservice"
        state["service"] = merged(state["service"], json.loads(options["patch"]))
    else:
        assert (verb, kind) == ("delete", "horizontalpodautoscaler")
        state["autoscalers"].remove(name)
    file.write_text(json.dumps(state))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
