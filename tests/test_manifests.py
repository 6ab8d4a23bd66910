"""The generated manifests, held against the cluster's own schemas, strictly: a cluster drops unknown keys silently."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml


def schema_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """The resource's full schema, from the folder that KSERVE_CRDS names."""
    folder = os.environ.get("KSERVE_CRDS")
    if not folder:
        # Elsewhere the schemas may be absent; CI that quietly stops comparing must not stay green.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "set KSERVE_CRDS to a folder with KServe's CRD schemas as JSON"
        )
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


def manifests(project: Path) -> list[dict[str, Any]]:
    content = (project / f"{project.name}server.yaml").read_text()
    return [manifest for manifest in yaml.safe_load_all(content) if manifest]


def test_every_key_is_one_that_the_cluster_knows(project: Path) -> None:
    for manifest in manifests(project):
        schema = strict(schema_of(manifest))
        schema["properties"]["metadata"] = {"type": "object"}  # described by Kubernetes, not by the CRD
        errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest)]
        assert errors == []


def test_an_unknown_key_would_be_found(project: Path) -> None:
    """The check above can fail."""
    (manifest,) = manifests(project)
    manifest["spec"]["predictor"]["containers"][0]["imagePulPolicy"] = "Always"
    schema = strict(schema_of(manifest))
    assert any(
        "imagePulPolicy" in error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    )


def test_kserves_webhook_would_take_it(project: Path) -> None:
    """KServe's rules beyond the schema: names, one implementation, one port, no reserved variables."""
    (manifest,) = manifests(project)
    name = manifest["metadata"]["name"]
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(f"{name}-predictor") <= 63
    assert list(manifest["spec"]["predictor"]) == ["containers"]
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container"
    assert len(container["ports"]) == 1
    assert not {"PORT", "PYTHONPATH"} & {variable["name"] for variable in container["env"]}
