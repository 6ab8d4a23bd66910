"""The commands: `python -m <package>._engine.rollout canary|promote|rollback`, whose status is 1 if one was refused.

Not here: what they do.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional

from ..manifests import address as manifest
from .cluster import Cluster, Refused
from .knative import Knative
from .rollout import Rollout, at, shown
from .standard import Standard

#: The modes by their names, new and old.
MODES: Dict[str, Callable[[Cluster], Rollout]] = {
    "Standard": Standard,
    "RawDeployment": Standard,
    "Knative": Knative,
    "Serverless": Knative,
}

#: Where the manifests name the version that is served, in a project.
MANIFEST = Path("k8s", "runtime", "service.yaml")


def percent(text: str) -> int:
    """Read a share that leaves some requests to the other version."""
    if not (text.isdecimal() and len(text) < 3 and int(text)):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 99, got {text!r}; make promote gives all")
    return int(text)


def address(text: str) -> str:
    """Read a model's address; "" is none."""
    if text and not re.fullmatch(r"[a-z0-9]+://\S+", text):
        raise argparse.ArgumentTypeError(f"expected an address, such as s3://bucket/models/0002, got {shown(text)!r}")
    return text


def find(cluster: Cluster) -> Rollout:
    """The rollout of a service, by the mode that it runs in."""
    service = cluster.service()
    mode = at(service, "status", "deploymentMode") or at(
        service, "metadata", "annotations", "serving.kserve.io/deploymentMode"
    )
    if mode not in MODES:
        raise Refused(f"{cluster.name} runs in no mode that is known here, but {mode}: KServe's controller sets it")
    return MODES[mode](cluster)


def write(name: str, uri: str) -> str:
    """Write the address into the service's manifest, so that applying it changes nothing; returns what to do then."""
    if not manifest.is_of(MANIFEST, name):
        return f"No {MANIFEST} of that name is here: write storageUri: {shown(uri)} where your manifest has it."
    return f"{MANIFEST} names it, too: commit that." if manifest.write(MANIFEST, name, uri) else ""


def all_requests(name: str, uri: str) -> str:
    """Say who has them, and what that means for the manifest."""
    return f"{shown(uri)} has all requests. {write(name, uri)}".rstrip()


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; what it says goes to whoever typed it."""
    parser = argparse.ArgumentParser(
        prog="rollout", description="Canaries of an InferenceService, in Standard and Knative."
    )
    parser.add_argument("command", choices=["canary", "promote", "rollback"])
    parser.add_argument("--name", required=True, help="the InferenceService")
    parser.add_argument("--namespace", required=True, help="its namespace")
    parser.add_argument("--uri", type=address, default="", help="where the version is; rollback: the one to go back to")
    parser.add_argument("--share", type=percent, default=10, help="percent of the requests for a canary")
    parser.add_argument("--timeout", type=float, default=600, help="longest time for a step, in seconds")
    parser.add_argument("--every", type=float, default=2, help="seconds between two looks at the cluster")
    asked = parser.parse_args(arguments)
    try:
        rollout = find(Cluster(asked.name, asked.namespace, asked.timeout, asked.every))
        if asked.command == "canary":
            uri = rollout.canary(asked.uri, asked.share)
            print(
                f"{shown(uri)} is ready, and has {asked.share} % of the requests. Go on with make promote or rollback."
            )
        elif asked.command == "promote":
            print(all_requests(asked.name, rollout.promote()))
        else:
            print(all_requests(asked.name, rollout.rollback(asked.uri)))
    except Refused as refused:
        print(f"{asked.command}: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
