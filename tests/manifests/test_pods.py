"""What reviewers of clusters look at: the pods that KServe makes, and those of trainings and scorings."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kserve_deployment import container_of, deployments
from manifest_judges import against_kubernetes
from manifest_sets import KSERVE, SETS, manifests, one, pods, spec
from webhooks import not_restricted


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
