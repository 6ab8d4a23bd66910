"""What is looked at in the project: engine, lock, newest model, sample. Each check returns problems, or what it found.

Not here: mending any of it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from .finding import Finding, fine, wrong
from .project import Project, normal

#: Names in one message; more are counted.
SHOWN = 3


def check_engine(project: Project) -> Finding:
    """Whether the engine is as the template wrote it: all of it, and nothing else."""
    prefix = f"{project.package.name}/_engine/"
    lines = [line.partition("  ") for line in project.text(f"{prefix}DIGESTS").splitlines()]
    written = {name[len(prefix) :]: digest for digest, _, name in lines if name.startswith(prefix)}
    if not written:
        return wrong("DIGESTS is missing or lists no files: generate the project again (cookiecutter -f)")
    files = [path for path in project.engine.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    here = {
        path.relative_to(project.engine).as_posix(): _digest(path.read_bytes().replace(b"\r\n", b"\n"))
        for path in files
    }
    here.pop("DIGESTS", None)
    kinds = {
        "you edited": [name for name in written if name in here and here[name] != written[name]],
        "there is no": [name for name in written if name not in here],
        "the template has no": [name for name in here if name not in written],
    }
    problems = [f"{kind} {_some(sorted(names))}" for kind, names in kinds.items() if names]
    version = project.text(f"{prefix}VERSION").strip()
    if not problems:
        return fine(f"{version}, as the template wrote it")
    return wrong(*problems, "cookiecutter -f renews the engine, and keeps copies of your edits: see _engine/README.md")


def check_lock(project: Project) -> Finding:
    """Whether requirements.lock, which `make install` and the image install, has what requirements.txt asks for."""
    locked, left_out = project.locked(), project.unlocked()
    problems = []
    for name, version in project.pins().items():
        if name not in left_out and (name not in locked or (version and version not in locked[name])):
            has = f"has {', '.join(sorted(locked[name]))}" if name in locked else "has none"
            asked = f"{name}=={version}" if version else name
            problems.append(
                f"requirements.txt asks for {asked}, but requirements.lock {has}: run make lock, then make install"
            )
    return wrong(*problems) if problems else fine(f"{len(locked)} packages, with all of requirements.txt among them")


def check_model(project: Project) -> Finding:
    """Whether the newest model answers its own input.json with the code as it is."""
    if not (project.venv / ".installed").exists():
        return fine("not checked before make install")
    command = [str(project.python), "-m", f"{project.package.name}.inferencer.newest"]
    try:
        run = subprocess.run(command, cwd=str(project.root), capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        return wrong(f"the check cannot be run: {error}")
    said = run.stderr.decode(errors="replace").strip().splitlines()
    if run.returncode == 0 and not said:
        return fine(f"{Path(run.stdout.decode().strip()).as_posix()} answers its own input.json")
    return wrong(*(said[-SHOWN:] or [f"the check ended with status {run.returncode} and no message: run make serve"]))


def check_sample(project: Project) -> Finding:
    """Whether the sample model is whole, and was made by the versions that are pinned."""
    file = project.sample / "metadata.json"
    again = "generate it again (cookiecutter -f)"
    try:
        metadata = json.loads(file.read_bytes())
        versions, digests = dict(metadata["versions"]), dict(metadata["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return wrong(f"{file.relative_to(project.root).as_posix()} cannot be read ({error!r:.80}): {again}")
    problems = [
        f"{name} is missing or damaged: {again}"
        for name, digest in sorted(digests.items())
        if not (project.sample / name).is_file() or _digest((project.sample / name).read_bytes()) != digest
    ]
    pins = project.pins()
    for name, version in sorted(versions.items()):
        pin = pins.get(normal(name))
        if pin and pin != version.partition("+")[0]:
            problems.append(f"it was made by {name} {version}, but requirements.txt pins {pin}: run make train")
    return wrong(*problems) if problems else fine("whole, and made by the versions that are pinned")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
