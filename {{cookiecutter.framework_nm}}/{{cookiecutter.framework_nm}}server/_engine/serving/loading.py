"""Loading models by name while a server runs: which directory, in which order, and who owns a download.

Not here: how a store's content is downloaded, and who may ask for a model to be loaded. Both are the SDK's part.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import urllib.parse
import urllib.request
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from ..artifact.versions import NoModels, NoSuchModel, directories_of, directory_of, names_in
from ..contract.errors import ModelError
from .model import Serving
from .newest import load_newest

logger = logging.getLogger(__name__)

Served = TypeVar("Served", bound=Serving)


class Fetched:
    """A directory to load models from. A downloaded one is removed when the last model that came from it is gone."""

    def __init__(self, path: Path, downloaded: bool = False) -> None:
        self.path = path
        self._remove = weakref.finalize(self, shutil.rmtree, path, ignore_errors=True) if downloaded else None

    def discard(self) -> None:
        """Remove a download that no model came from: who reports the reason may hold on to it for long."""
        if self._remove:
            self._remove()


def local(address: str) -> Path | None:
    """The directory that an address is, as a path or as file://; None where it has to be downloaded."""
    scheme, found, _ = address.partition("://")
    if not found:
        return Path(address)
    if scheme == "file":
        return Path(urllib.request.url2pathname(urllib.parse.urlsplit(address).path))
    return None


def new_folder(shown: str) -> Fetched:
    """An empty folder to download to, from the place that messages name by `shown`. Raises ModelError."""
    try:
        return Fetched(Path(tempfile.mkdtemp(prefix="model-")), downloaded=True)
    except OSError as error:
        raise ModelError(f"MODEL_DIR is {shown}, but there is no place to download it to: {error}") from None


class Loader(Generic[Served]):
    """Loads models from what `fetch` returns, under `model_name` where there is but one, and hands them to `publish`.

    `make_model(name, directory)` makes a model that is still to be loaded. Messages name the place by `shown`.
    Whatever raises, the model that was published before stays.
    """

    def __init__(
        self,
        fetch: Callable[[], Fetched],
        shown: str,
        model_name: str,
        make_model: Callable[[str, Path], Served],
        publish: Callable[[Served], None],
    ) -> None:
        self._fetch = fetch
        self._shown = shown
        self._model_name = model_name
        self._make_model = make_model
        self._publish = publish
        # Weak, because anybody may ask for any name.
        self._locks: weakref.WeakValueDictionary[str, threading.Lock] = weakref.WeakValueDictionary()
        self._guard = threading.Lock()
        self._root: Path | None = None
        #: Why the last load of a model failed, by its name.
        self.failed: dict[str, str] = {}

    def load_all(self, allow_none: bool = False, check: Callable[[str], None] = lambda name: None) -> None:
        """Load all models there are, each after a check of its name, in its newest version that answers.

        Raises ModelError, also where there is none, unless `allow_none` says that this may be.
        """
        fetched = self._fetch()
        self._root = fetched.path
        try:
            names = names_in(fetched.path, self._model_name, self._shown)
        except NoModels:
            if not allow_none:
                raise
            names = []
        for name in names:
            check(name)
            self._load(name, fetched, directories_of(name, fetched.path, self._model_name, self._shown))

    def names(self) -> list[str]:
        """The names that there are models for, as far as that is known without another download."""
        try:
            return names_in(self._root, self._model_name, self._shown) if self._root else []
        except ModelError:
            return []

    def load(self, name: str) -> Served:
        """Load the newest version of a model, and no older one, and publish it.

        Loads of one name run one after another, in the order of the requests.

        Raises ModelError.
        """
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            fetched = self._fetch()
            try:
                newest = directory_of(name, fetched.path, self._model_name, self._shown)
                model = self._load(name, fetched, [newest])
            except BaseException as error:
                if not isinstance(error, NoSuchModel):  # anybody may ask for any name
                    self.failed[name] = str(error)
                    logger.warning("Model %s was not loaded; the previous one stays: %s", name, error)
                fetched.discard()
                raise
            self.failed.pop(name, None)
            return model

    def _load(self, name: str, fetched: Fetched, directories: list[Path]) -> Served:
        def load(directory: Path) -> Served:
            model = self._make_model(name, directory)
            model.source = fetched
            model.load()
            return model

        model = load_newest(directories, load, logger.warning, "the log says why for each")
        self._publish(model)
        return model
