"""Rollouts in Standard mode: two Deployments, and a route with weights.

KServe routes to a canary once a pod of it is ready, and says that a service is ready while its pods are replaced; so
this looks at the Deployments themselves. Not here: Knative's revisions.
"""

from __future__ import annotations

from typing import Optional

from ..manifests.address import NAME_LIMIT
from .cluster import SOURCE, Object, Refused
from .rollout import Rollout, at, no_canary, of_model, shown


class Standard(Rollout):
    """A canary is an entry in the service's `spec.canary`."""

    def canary(self, uri: str, share: int) -> str:
        stable, running = self.predictor(), self._running()
        uri = uri or str(at(running, "predictor", "model", "storageUri") or "")
        if not uri:
            raise no_canary("canary")
        if uri == stable["model"]["storageUri"]:
            raise Refused(f"{self.cluster.name} serves {shown(uri)} already: URI names the new version's address")
        name = at(running, "predictor", "name") or "canary"
        deployment = self._deployment(name)
        self._check_names(deployment)
        # The schema of a canary, unlike that of a predictor, requires the container's name. The rest is as in it.
        model = {"name": "kserve-container", "modelFormat": stable["model"]["modelFormat"], "storageUri": uri}
        canary = {"trafficPercent": share, "predictor": {**of_model(uri), "name": name, "model": model}}
        self.cluster.patch({"spec": {"canary": [canary]}})
        self.cluster.wait(
            lambda: self._rolled_out(deployment, uri) and self._share() == share,
            f"The canary is not ready, and gets no requests until it is: kubectl describe deployment {deployment} says "
            "why, and make rollback takes it away.",
        )
        return uri

    def promote(self) -> str:
        running = self._running()
        if running is None:
            raise no_canary("canary")
        uri: str = running["predictor"]["model"]["storageUri"]
        if not self._rolled_out(self._deployment(running["predictor"]["name"]), uri):
            raise Refused("the canary is not ready: make canary waits until it is")
        # The canary keeps its share until the service's own pods serve the new version.
        self._serve(
            uri,
            f"The canary is still there. make promote goes on, make rollback URI={shown(self._address())} goes back.",
        )
        self._remove(running)
        return uri

    def rollback(self, uri: str) -> str:
        running, address = self._running(), self._address()
        if not uri and (running is None or at(running, "predictor", "model", "storageUri") == address):
            raise no_canary("rollback")
        if uri and uri != address:
            self._serve(uri, "make rollback goes on.")
        if running is not None:
            self._remove(running)
        return uri or address

    def _address(self) -> str:
        address: str = self.predictor()["model"]["storageUri"]
        return address

    def _running(self) -> Optional[Object]:
        """The canary, if there is one."""
        canaries = self.cluster.service()["spec"].get("canary") or []
        if len(canaries) > 1:
            raise Refused(
                f"{self.cluster.name} has {len(canaries)} canaries, and this rolls out one: take out the others"
            )
        return canaries[0] if canaries else None

    def _share(self) -> int:
        """What KServe routes to canaries that are ready, in percent."""
        found = at(self.cluster.service(), "status", "canaryStatuses") or []
        return sum(canary.get("trafficPercent", 0) for canary in found if canary.get("ready"))

    def _serve(self, uri: str, otherwise: str) -> None:
        """Let the service's own pods serve the version, and wait until all of them do."""
        deployment = self._deployment(self.predictor().get("name"))
        self.cluster.patch({"spec": {"predictor": of_model(uri)}})
        self.cluster.wait(
            lambda: self._rolled_out(deployment, uri),
            f"Not all pods serve {shown(uri)}: kubectl rollout status deployment {deployment} says why. {otherwise}",
        )

    def _remove(self, canary: Object) -> None:
        deployment = self._deployment(canary["predictor"]["name"])
        self.cluster.patch({"spec": {"canary": None}})
        self.cluster.wait(
            lambda: self.cluster.get("deployment", deployment) is None,
            f"The canary gets no requests, and its Deployment {deployment} is still there.",
        )
        # KServe leaves it behind.
        self.cluster.delete("horizontalpodautoscaler", deployment)

    def _deployment(self, variant: Optional[str]) -> str:
        return "-".join([self.cluster.name, *([variant] if variant else []), "predictor"])

    def _check_names(self, deployment: str) -> None:
        """The names that KServe makes of it: a label, and the first part of a host's name."""
        for made in (f"isvc.{deployment}", f"{deployment}-{self.cluster.namespace}"):
            if len(made) > NAME_LIMIT:
                raise Refused(
                    f"KServe would make the name {made} of {len(made)} characters, and Kubernetes allows {NAME_LIMIT}: "
                    "a canary needs a service, or a namespace, of a shorter name"
                )

    def _rolled_out(self, name: str, uri: str) -> bool:
        """Whether a Deployment serves that version, and only that; the controllers may not have taken it up yet."""
        deployment = self.cluster.get("deployment", name) or {}
        status, wanted = deployment.get("status", {}), at(deployment, "spec", "replicas")
        return (
            at(deployment, "spec", "template", "metadata", "annotations", SOURCE) == uri
            and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
            and status.get("updatedReplicas", 0)
            == status.get("availableReplicas", 0)
            == status.get("replicas")
            == wanted
        )
