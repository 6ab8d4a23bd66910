"""The manifests of a project on KFServing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException
from facts import FLAVOURS, SDKS
from manifest_judges import against_kubernetes, against_the_crd
from manifest_sets import manifests


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
