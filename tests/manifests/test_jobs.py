"""The Jobs of k8s/: what the trainer wrote is what the server reads, and the parts of a scoring are one scoring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from manifest_sets import manifests, one, pods


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
