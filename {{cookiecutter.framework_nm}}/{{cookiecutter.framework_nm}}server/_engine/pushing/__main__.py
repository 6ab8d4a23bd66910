"""The command: `python -m <package>._engine.pushing MODEL_DIR --name SERVICE`, whose status is 1 if it was refused.

Not here: how a store takes a version.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional

from ..artifact import metadata, signing
from ..artifact.addresses import redacted, shown
from ..artifact.stored import Artifact
from ..contract.errors import ModelError
from ..manifests import address
from .images import BASE, Registry
from .stores import S3, GoogleStorage, Refused, Store

#: Digits that a number has at least, as training names versions.
_DIGITS = 4
#: How often another number is tried, where somebody else took one meanwhile.
_TRIES = 10


def files_of(model_dir: Path) -> Dict[str, Path]:
    """The files of a model, by their names: all that metadata.json lists, once they are checked. The one first that
    claims a number, and metadata.json last, by which a folder is a model. Raises ModelError.
    """
    found = metadata.read(model_dir)
    Artifact(model_dir, found, "").check()
    signature = [signing.FILE] if (model_dir / signing.FILE).exists() else []
    names = [metadata.DIGEST_FILE, *sorted(found.files), *signature, metadata.FILE]
    return {name: model_dir / name for name in names}


def place_of(uri: str) -> str:
    """Where versions lie, by the address of that place or of a version in it."""
    scheme, found, rest = uri.rstrip("/").partition("://")
    if not found:  # which open_store refuses
        return uri
    if scheme == "oci":
        # A port is no tag, and a digest no part of the name.
        return f"oci://{re.sub(r'(@[^/]*|:[^/:]*)$', '', rest.partition('@')[0]) if '/' in rest else rest}"
    return re.sub(r"(?<=[^/])/\d+$", "", f"{scheme}://{rest}")


def open_store(place: str, schemes: List[str], engine: str, base: str) -> Store:
    """The store at a place. Raises Refused where there is none that can be pushed to."""
    scheme, _, rest = place.partition("://")
    makers: Dict[str, Callable[[], Store]] = {
        "s3": lambda: S3(place),
        "gs": lambda: GoogleStorage(place),
        "oci": lambda: Registry(place, engine, base),
    }
    if scheme not in schemes or not rest or "?" in rest:
        known = ", ".join(f"{each}://" for each in schemes)
        raise Refused(f"no model can be pushed to {shown(place)}: name a place in {known}, as in TO=s3://bucket/models")
    try:
        return makers[scheme]()
    except ImportError as error:
        install = ".venv/bin/pip install -e '.[push]'"
        raise Refused(f"{scheme}:// needs {error.name}; install it with {install}") from None


def push(store: Store, files: Dict[str, Path]) -> str:
    """Push under the next number; returns the version's address. Raises Refused."""
    for _ in range(_TRIES):
        name = f"{max(store.numbers(), default=0) + 1:0{_DIGITS}d}"
        print(f"Pushing {store.address(name)} ...")
        if store.push(name, files):
            return store.address(name)
    raise Refused(f"others took the next number {_TRIES} times in a row: try again")


def main(arguments: Optional[List[str]] = None) -> int:
    """Push one model, and write its address into the manifests."""
    parser = argparse.ArgumentParser(prog="pushing", description="Copies a model to where the cluster reads it.")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--name", required=True, help="the InferenceService whose manifests get the address")
    parser.add_argument(
        "--manifest", type=Path, action="append", default=[], help="a manifest to write the address into, if it exists"
    )
    parser.add_argument("--to", default="", help="the folder of versions; by default that in the manifests")
    parser.add_argument("--schemes", default="gs s3 oci", help="the kinds of stores that the cluster reads")
    parser.add_argument("--engine", default="docker", help="the program that builds and pushes images")
    parser.add_argument("--base", default=BASE, help="the base of a model's image, which needs sh and ln")
    asked = parser.parse_args(arguments)
    known = (address.read(manifest, asked.name) for manifest in asked.manifest)
    place = place_of(asked.to or next(filter(None, known), ""))
    try:
        files = files_of(asked.model_dir)
        uri = push(open_store(place, asked.schemes.split(), asked.engine, asked.base), files)
    except (Refused, ModelError) as error:
        print(f"Nothing was pushed: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # of the stores' libraries, which have no class in common
        said = redacted(" ".join(str(error).split()), place)
        print(f"Pushing to {shown(place)} failed: {type(error).__name__}: {said}", file=sys.stderr)
        print(
            "If a part of a version was pushed, it has no metadata.json, and its number is not used again.",
            file=sys.stderr,
        )
        return 1
    written = [str(manifest) for manifest in asked.manifest if address.write(manifest, asked.name, uri)]
    print(f"Pushed to {uri}" + (f", and wrote that address into {' and '.join(written)}." if written else "."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
