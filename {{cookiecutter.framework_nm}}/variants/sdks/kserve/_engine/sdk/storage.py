"""Where models come from: a directory, or an address in a store, whose content is downloaded.

What downloads is kserve-storage, which is optional. It runs in a process of its own, because it loads the clients of
all stores, and forks: a server that answers gRPC should do neither.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..artifact.addresses import redacted, shown
from ..contract.errors import ModelError

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
        self._download: TemporaryDirectory[str] | None = None

    @contextmanager
    def fetch(self) -> Iterator[Path]:
        """The directory; for an address, what is there now, which replaces the last download if the block succeeds.

        Raises ModelError.
        """
        scheme, found, _ = self._address.partition("://")
        if not found or scheme == "file":
            path = urllib.request.url2pathname(urllib.parse.urlsplit(self._address).path) if found else self._address
            yield Path(path)
            return
        download = self._downloaded()
        try:
            yield Path(download.name)
        except BaseException:
            download.cleanup()
            raise
        before, self._download = self._download, download
        if before:
            before.cleanup()

    def _downloaded(self) -> TemporaryDirectory[str]:
        if importlib.util.find_spec("kserve_storage") is None:
            package = __package__.split(".")[0]
            raise ModelError(
                f"MODEL_DIR is {self.shown}, and downloading needs kserve-storage: build the image with "
                f"--build-arg EXTRAS=storage, or pip install '{package}[storage]'"
            )
        try:
            folder = TemporaryDirectory(prefix="model-")
        except OSError as error:
            raise ModelError(f"MODEL_DIR is {self.shown}, and there is no place to download to: {error}") from None
        run = subprocess.run(
            [sys.executable, "-c", _DOWNLOAD, folder.name],
            input=self._address,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        reason = ""
        if run.returncode != 0:
            reason = redacted(run.stderr.strip() or f"exit status {run.returncode}", self._address).splitlines()[-1]
        elif not any(Path(folder.name).iterdir()):
            reason = "there is nothing"
        if reason:
            folder.cleanup()
            raise ModelError(f"MODEL_DIR is {self.shown}, which cannot be downloaded: {reason}")
        return folder
