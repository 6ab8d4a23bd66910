"""Whatever the questions take is a manifest's: as it was typed, in each place, and nowhere too long."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.exceptions import FailedHookException
from facts import SDKS
from kserve_deployment import deployments
from manifest_judges import against_kubernetes, judges
from manifest_sets import WHOLE, manifests, pods
from webhooks import not_restricted, refusals

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
