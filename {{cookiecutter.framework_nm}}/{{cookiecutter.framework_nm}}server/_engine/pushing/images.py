"""Images of models in a registry: "modelcars", whose /models KServe shows to the server as /mnt/models.

KServe runs them beside the server, with sh and ln, so there is a small system below the model.
Source: pkg/utils/storage.go of https://github.com/kserve/kserve. Not here: folders of buckets (stores.py).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, Set

from .stores import Refused

#: What modelcars are made of, unless you say otherwise.
BASE = "busybox:1.37.0"
_DOCKERFILE = """FROM {base}
LABEL org.opencontainers.image.version="{name}"
COPY models /models
"""
#: By which name Docker Hub's registry answers.
_HUB = {"docker.io": "index.docker.io"}


class Registry:
    """A repository of a registry; its tags are the numbers. `engine` builds and pushes, and has logged in."""

    def __init__(self, address: str, engine: str, base: str) -> None:
        self._name = address[len("oci://") :]
        self._engine = engine
        self._base = base

    def numbers(self) -> Set[int]:
        from oras.provider import Registry as Client

        host, _, path = self._name.partition("/")
        host = _HUB.get(host, host)
        # As the engine does it: without TLS on this machine.
        client: Any = Client(host, insecure=bool(re.match(r"(localhost|127\.0\.0\.1)(:|$)", host)))
        container = client.get_container(f"{host}/{path}")
        if client.do_request(f"{client.prefix}://{container.tags_url()}").status_code == 404:
            return set()  # nothing was pushed there yet
        return {int(tag) for tag in client.get_tags(container) if tag.isdecimal()}

    def push(self, name: str, files: Dict[str, Path]) -> bool:
        """Build and push. Registries know no condition: of two who push at the same moment, one wins."""
        with tempfile.TemporaryDirectory() as folder:
            for file, path in files.items():
                copy = Path(folder, "models", file)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            models = Path(folder, "models")
            for copied in (models, *models.rglob("*")):
                copied.chmod(0o755)  # for whichever user the server runs as
            Path(folder, "Dockerfile").write_text(_DOCKERFILE.format(base=self._base, name=name), encoding="utf-8")
            self._run("build", "--tag", f"{self._name}:{name}", folder)
        if int(name) in self.numbers():
            return False
        self._run("push", f"{self._name}:{name}")
        return True

    def address(self, name: str) -> str:
        return f"oci://{self._name}:{name}"

    def _run(self, *words: str) -> None:
        try:
            subprocess.run([self._engine, *words], check=True)
        except OSError as error:
            raise Refused(f"{self._engine} cannot be run ({error}): name what builds images with ENGINE=...") from None
        except subprocess.CalledProcessError:
            host = self._name.partition("/")[0]
            raise Refused(
                f"{self._engine} {words[0]} failed, as it says above; does it need {self._engine} login {host}?"
            ) from None
