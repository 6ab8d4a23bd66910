"""What a cluster holds against a manifest, strictly, where a cluster would drop unknown keys.

KServe's full CRDs, the models of the kserve package, Kubernetes' own schemas, and what is used of the Prometheus
operator's. Not here: what webhooks refuse beyond them (webhooks.py).
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
from manifest_sets import KSERVE, Manifest
from needed import without

#: The oldest Kubernetes whose schemas are asked.
KUBERNETES = "1.32"


def module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        without(f"install {name.partition('.')[0]}")


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


def against_kubernetes(manifest: Manifest) -> list[str]:
    judge = module("kubernetes_validate")
    try:
        judge.validate(manifest, KUBERNETES, strict=True)
    except judge.ValidationError as error:
        return [error.message]
    return []


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


def judges(manifest: Manifest) -> list[Callable[[Manifest], list[str]]]:
    if manifest["apiVersion"].startswith(KSERVE):
        return [against_the_crd, against_the_models]
    return [against_the_operator if manifest["apiVersion"] == OPERATOR else against_kubernetes]
