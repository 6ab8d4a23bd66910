"""Where models come from: a directory, or an address in a store, whose content is downloaded.

What downloads is kserve-storage, which is optional. It runs in a process of its own, because it loads the clients of
all stores, and forks: a server that answers gRPC should do neither.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from ..artifact.addresses import redacted, shown
from ..contract.errors import ModelError
from ..serving.loading import Fetched, local, new_folder

#: The program that downloads, as `python -c` takes it; its last line says what went wrong. It reads the address, which
#: all of the machine could see as an argument.
_DOWNLOAD = """
import sys
from kserve_storage import Storage
try:
    Storage.download(sys.stdin.read(), sys.argv[1])
except Exception as error:
    sys.exit(" ".join(str(error).split()) or type(error).__name__)
"""


class Location:
    """MODEL_DIR: a directory, file://, or an address that kserve-storage knows (gs://, s3://, https://, hf://, ...).

    Messages name it by `shown`.
    """

    def __init__(self, address: str) -> None:
        self.shown = shown(address)
        self._address = address

    def fetch(self) -> Fetched:
        """The directory; for an address, a download of what is there now. Raises ModelError."""
        path = local(self._address)
        return Fetched(path) if path else self._downloaded()

    def _downloaded(self) -> Fetched:
        if importlib.util.find_spec("kserve_storage") is None:
            package = __package__.split(".")[0]
            raise ModelError(
                f"MODEL_DIR is {self.shown}; downloading it needs kserve-storage: build the image with "
                f"--build-arg EXTRAS=storage, or pip install '{package}[storage]'"
            )
        fetched = new_folder(self.shown)
        run = subprocess.run(
            [sys.executable, "-c", _DOWNLOAD, str(fetched.path)],
            input=self._address,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        reason = ""
        if run.returncode != 0:
            reason = redacted(run.stderr.strip() or f"exit status {run.returncode}", self._address).splitlines()[-1]
        elif not any(fetched.path.iterdir()):
            reason = "there is nothing"
        if reason:
            raise ModelError(f"MODEL_DIR is {self.shown}, which cannot be downloaded: {reason}")
        return fetched
