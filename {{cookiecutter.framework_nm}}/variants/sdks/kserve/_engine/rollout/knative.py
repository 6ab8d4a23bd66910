"""Rollouts in Knative mode: a revision for each change, and a route with percentages between the last two.

Not here: Standard's Deployments.
"""

from __future__ import annotations

from typing import Optional

from .cluster import SOURCE, Object, Refused
from .rollout import Rollout, at, no_canary, of_model, shown


class Knative(Rollout):
    """A canary is the newest revision, while `canaryTrafficPercent` gives it less than all requests."""

    def canary(self, uri: str, share: int) -> str:
        predictor = self.predictor()
        if not uri and not self._runs(predictor):
            raise no_canary("canary")
        uri = uri or predictor["model"]["storageUri"]
        if not self._runs(predictor) and uri == predictor["model"]["storageUri"]:
            raise Refused(f"{self.cluster.name} serves {shown(uri)} already: URI names the new version's address")
        if not self._status().get("latestRolledoutRevision"):
            raise Refused(
                f"{self.cluster.name} has no version yet that a canary could be beside: wait until it is ready"
            )
        self._route(uri, share)
        return uri

    def promote(self) -> str:
        predictor = self.predictor()
        if not self._runs(predictor):
            raise no_canary("canary")
        uri: str = predictor["model"]["storageUri"]
        if not self._newest_serves(uri, self._status()):
            raise Refused("the canary is not ready: make canary waits until it is")
        self._route(uri, None)
        return uri

    def rollback(self, uri: str) -> str:
        if self._runs(self.predictor()):
            uri = uri or self._before()
            # The version before has all requests at once; that it is the newest again takes until a revision is ready.
            self._route(uri, 0)
        elif not uri:
            raise no_canary("rollback")
        self._route(uri, None)
        return uri

    def _runs(self, predictor: Object) -> bool:
        return predictor.get("canaryTrafficPercent") is not None

    def _route(self, uri: str, share: Optional[int]) -> None:
        """Make the version the newest revision, with that share (None: all), and wait until it is so."""
        self.cluster.patch({"spec": {"predictor": {"canaryTrafficPercent": share, **of_model(uri)}}})
        self.cluster.wait(
            lambda: self._routes(uri, 100 if share is None else share),
            f"The revision for {shown(uri)} is not ready, and gets no requests until it is: kubectl get "
            "revisions says why. make rollback goes back.",
        )

    def _routes(self, uri: str, share: int) -> bool:
        status = self._status()
        newest = sum(target.get("percent", 0) for target in status.get("traffic", []) if target.get("latestRevision"))
        return newest == share and self._newest_serves(uri, status)

    def _newest_serves(self, uri: str, status: Object) -> bool:
        newest = status.get("latestCreatedRevision", "")
        return bool(newest == status.get("latestReadyRevision") and self._source(newest) == uri)

    def _before(self) -> str:
        revision = self._status().get("latestRolledoutRevision", "")
        uri = self._source(revision)
        if not uri:
            raise Refused(
                f"the revision {revision} does not say what it serves: make rollback URI=... names the address"
            )
        return uri

    def _source(self, revision: str) -> str:
        found = self.cluster.get("revision.serving.knative.dev", revision) if revision else None
        return str(at(found, "metadata", "annotations", SOURCE) or "")

    def _status(self) -> Object:
        return at(self.cluster.service(), "status", "components", "predictor") or {}
