"""What a rollout is in either mode: a second version beside the first, which is then promoted or rolled back.

Not here: how KServe is brought to do it (standard.py, knative.py).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from ..manifests.address import version
from .cluster import Cluster, Object, Refused


class Rollout(ABC):
    """The rollout of one service. No step of a promotion sends all requests to the old version."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @abstractmethod
    def canary(self, uri: str, share: int) -> str:
        """Give the version at an address ("": that of the canary that runs) a share of the requests, in percent.

        It is ready when this returns. Like the others, returns the version's address, and raises Refused.
        """

    @abstractmethod
    def promote(self) -> str:
        """Give all requests to the canary's version, which is then the service's."""

    @abstractmethod
    def rollback(self, uri: str) -> str:
        """Give all requests to the version before the canary, or to the one at an address."""

    def predictor(self) -> Object:
        """The service's predictor, which has a model."""
        predictor: Object = self.cluster.service()["spec"]["predictor"]
        if "storageUri" not in predictor.get("model", {}):
            raise Refused(
                f"{self.cluster.name} has no model by its address, because it was deployed as a container alone: "
                "deploy k8s/standard or k8s/knative in its place, which has the same name"
            )
        return predictor


def of_model(uri: str) -> Object:
    """The part of a predictor that says which version it serves."""
    return {"labels": {"model-version": version(uri)}, "model": {"storageUri": uri}}


def shown(uri: str) -> str:
    """An address as people may see it: without user, password and signature."""
    return re.sub(r"//[^/@]*@", "//", uri.split("?")[0])


def no_canary(command: str) -> Refused:
    """There is nothing that the command is about."""
    return Refused(f"no canary runs: make {command} URI=... names the version's address")


def at(found: Any, *path: str) -> Any:
    """What is at a path in an object, or None."""
    for part in path:
        found = (found or {}).get(part)
    return found
