"""Which of several model directories is served: the newest that answers, with a line for each newer one.

Not here: where the versions of a model are (artifact/versions.py), and what it is to answer (`open_model`).
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..artifact.signing import Unsigned, find_key
from ..artifact.versions import models_at
from ..contract.errors import ModelError, NotAsAsked
from .opening import Servable, open_model

Loaded = TypeVar("Loaded")


def load_newest(
    directories: list[Path], load: Callable[[Path], Loaded], warn: Callable[[str], None], what_to_do: str
) -> Loaded:
    """The result of `load` for the first of `directories`, newest first, that it loads; an unsigned one, where a key is
    set, is never passed over.

    `warn` is told of each that is left out, and why. Raises ModelError: of one directory alone its own, and of
    several one that says `what_to_do`; and NotAsAsked, rather than leaving out what only the settings speak against.
    """
    for directory in directories:
        try:
            return load(directory)
        except (NotAsAsked, Unsigned):  # whoever may write a newer version could otherwise choose an older one
            raise
        except ModelError as error:
            if len(directories) == 1:
                raise
            warn(f"{directory} is left out: {' '.join(str(error).split())}")
    raise ModelError(f"none of these {len(directories)} models answers; {what_to_do}")


def run(model_class: Callable[..., Servable], package: Path, file: str = "") -> None:
    """Print the path of a package's newest model that answers, trained or the sample; or of a file in it.

    With VERIFY_KEY it opens only what the key's owner signed, as the server does.
    """
    # Libraries repeat their warnings when the model is served.
    logging.disable()
    warnings.simplefilter("ignore")
    directories = [*models_at(package / "trainer"), package / "example_models" / "0001"]

    try:
        key = find_key(os.environ["VERIFY_KEY"]) if os.environ.get("VERIFY_KEY") else None

        def load(directory: Path) -> Path:
            open_model(model_class, directory, verify_key=key)
            return directory

        found = load_newest([Path(os.path.relpath(item)) for item in directories], load, _say, "train one: make train")
    except (ModelError, ValueError) as error:
        sys.exit(f"There is nothing to serve: {error}")
    print(found / file)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
