"""The template, as it is and as it was, and the projects that it makes. Not here: the owner's project (projects.py)."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from environment import TEMPLATE, options

_SPEC = importlib.util.spec_from_file_location("post_gen_project", TEMPLATE / "hooks" / "post_gen_project.py")
assert _SPEC and _SPEC.loader
_HOOK = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _HOOK
_SPEC.loader.exec_module(_HOOK)

#: As the hook that ends a bake has them: what was edited is one question there and here.
ORIGIN: str = _HOOK.ORIGIN
LARGEST: int = _HOOK.LARGEST
digest_of, files_below, read_digests = _HOOK.digest_of, _HOOK.files_below, _HOOK.read_digests

#: The commit of each release.
RELEASES: dict[str, str] = json.loads((Path(__file__).parent / "releases.json").read_text(encoding="utf-8"))


class Refused(Exception):
    """The update cannot be made; the message says why, and what to do. Nothing has been changed."""


def unpack(commit: str, scratch: Path) -> Path | None:
    """The template of a commit, in a folder of its own; None where this template's clone does not have it."""
    # What .cruft.json says is no option of git's.
    command = ["git", "-C", str(TEMPLATE), "archive", "--format=tar", "--end-of-options", f"{commit}^{{commit}}"]
    try:
        run = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Refused("git is not installed, and an update needs it.") from error
    if run.returncode:
        return None
    folder = Path(tempfile.mkdtemp(dir=scratch))
    with tarfile.open(fileobj=io.BytesIO(run.stdout)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.3 has none
        archive.extractall(folder)
    return folder


def bake(template: Path, answers: Mapping[str, str], scratch: Path) -> Path:
    """The project that a template makes of these answers. Raises Refused with what it says against them."""
    output = Path(tempfile.mkdtemp(dir=scratch))
    words = [str(word) for word in (template, *options(scratch), "--output-dir", output)]
    given = [f"{question}={answer}" for question, answer in answers.items()]
    run = subprocess.run(
        [sys.executable, "-m", "cookiecutter", *words, *given],
        cwd=scratch,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PWD": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise Refused(f"The template makes no project of the answers:\n{run.stderr}")
    return output / answers["framework_nm"]
