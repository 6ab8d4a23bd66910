"""One InferenceService in the cluster that kubectl points to. Not here: what a rollout does with it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any, Dict, Optional

#: As Kubernetes writes an object down.
Object = Dict[str, Any]

#: Where KServe writes which model a Deployment's or a revision's pods download.
SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"


class Refused(Exception):
    """What cannot be done, and what to do instead, for whoever typed the command."""


class Cluster:
    """Reads objects of the service's namespace, and changes the service.

    `timeout` is how many seconds a change may take, and `every` how many pass between two looks. Raises Refused
    where kubectl does.
    """

    def __init__(self, name: str, namespace: str, timeout: float = 600, every: float = 2) -> None:
        self.name = name
        self.namespace = namespace
        self._timeout = timeout
        self._every = every

    def service(self) -> Object:
        """The InferenceService, which has to be there."""
        found = self.get("inferenceservice", self.name)
        if found is None:
            raise Refused(
                f"there is no InferenceService {self.name} in the namespace {self.namespace}: deploy it first, "
                "as with kubectl apply -k k8s/standard"
            )
        return found

    def get(self, kind: str, name: str) -> Optional[Object]:
        """An object, or None where there is none of that name."""
        text = self._kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        found: Optional[Object] = json.loads(text) if text.strip() else None
        return found

    def patch(self, change: Object) -> None:
        """Change the service: a JSON merge patch, in which null removes."""
        self._kubectl("patch", "inferenceservice", self.name, "--type=merge", f"--patch={json.dumps(change)}")

    def delete(self, kind: str, name: str) -> None:
        """Delete an object, which may be gone."""
        self._kubectl("delete", kind, name, "--ignore-not-found")

    def wait(self, done: Callable[[], bool], otherwise: str) -> None:
        """Look again and again until it is done; raises Refused with what to do where the time is over."""
        end = time.monotonic() + self._timeout
        while not done():
            if time.monotonic() > end:
                raise Refused(f"{otherwise} Waited for {self._timeout:g} seconds; --timeout sets another limit.")
            time.sleep(self._every)

    def _kubectl(self, *arguments: str) -> str:
        command = ["kubectl", f"--namespace={self.namespace}", *arguments]
        try:
            run = subprocess.run(command, capture_output=True, check=False)
        except OSError as error:
            raise Refused(f"kubectl does not run: {error.strerror}. Install it, and point it to the cluster") from None
        if run.returncode:
            # Its own log, which stands before what it says, is for its authors.
            said = re.sub(r"(?m)^[EIW]\d{4} .*\n", "", run.stderr.decode(errors="replace"))
            raise Refused(f"kubectl {arguments[0]}: {said.strip()}")
        return run.stdout.decode()
