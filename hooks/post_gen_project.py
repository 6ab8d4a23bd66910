"""Wires the chosen framework and serving SDK into the generated package, then removes what was not chosen.

Runs in the generated project, which may have been there before (`cookiecutter -f`): then it renews what is the
template's, and keeps what is the owner's. What it copies is plain Python and is copied as it is; whatever depends on an
answer is rendered by cookiecutter, not here. Bad answers never come this far: pre_gen_project.py refuses them.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The answers, as data: a JSON string is no Python and no Jinja, whatever it holds.
ANSWERS = r"""{{ cookiecutter | jsonify }}"""

#: The three files of the package that are the owner's to edit.
OWNED = tuple(Path("trainer", name) for name in ("model.py", "preprocessor.py", "postprocessor.py"))


@dataclass
class Wiring:
    """A project to finish: the chosen framework, its families, and SDK, and the table of all SDKs."""

    project: Path
    framework: str
    families: Sequence[str]
    sdk: str
    sdks: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.variants = self.project / "variants"
        self.package = self.project / f"{self.framework}server"
        #: Whether the project was there before.
        self.renews = (self.package / "trainer").is_dir()
        #: The SDK that it was made for, if that is another one.
        self.previous = self._previous_sdk()

    def wire(self) -> list[Path]:
        """Lay what all packages share, then what families of frameworks do, the framework's files, and the SDK's.

        Returns the owner's files that were kept, because they are not what the template would write. Raises OSError
        where a file cannot be written. The layers are gone afterwards in any case.
        """
        try:
            kept = self._lay_package()
            self._renew_sample()
            self._remove_other_sdks()
            self._remove_bytecode()
        finally:
            shutil.rmtree(self.variants, ignore_errors=True)
        (self.project / "run_modelserver").chmod(0o755)
        return kept

    def _lay_package(self) -> list[Path]:
        files: dict[Path, Path] = {}
        for layer in self._layers(self.sdk):
            files.update({path.relative_to(layer): path for path in _files(layer)})
        shutil.rmtree(self.package / "_engine" / "sdk", ignore_errors=True)
        kept = [name for name in OWNED if _differs(self.package / name, files[name])]
        for name, source in files.items():
            if name not in kept:
                _copy(source, self.package / name)
        return kept

    def _renew_sample(self) -> None:
        """Lay the sample model in place of the one before; files of the owner's beside it stay."""
        sample = self.package / "example_models" / "0001"
        for name in _listed(sample / "metadata.json"):
            (sample / name).unlink(missing_ok=True)
        new = self.variants / "samples" / self.sdk / self.framework / "0001"
        for source in _files(new):
            _copy(source, sample / source.relative_to(new))
        _copy(sample / "input.json", self.project / "input.json")
        _copy(self.variants / "locks" / f"{self.framework}-{self.sdk}.lock", self.project / "requirements.lock")

    def _remove_other_sdks(self) -> None:
        """Remove what only another SDK's projects have; a file of the owner's that has such a name stays."""
        ours = {path.relative_to(layer) for layer in self._layers(self.sdk) for path in _files(layer)}
        for sdk in self.sdks:
            layer = self.variants / "sdks" / sdk
            for source in _files(layer):
                name = source.relative_to(layer)
                found = self.package / name
                if name not in ours and found.is_file() and (sdk == self.previous or not _differs(found, source)):
                    found.unlink()
            for folder in set(self.sdks[sdk]["k8s"]) - set(self.sdks[self.sdk]["k8s"]):
                _remove_manifests(self.project / "k8s" / folder)

    def _remove_bytecode(self) -> None:
        """Remove what whoever ran the engine in the template left there: it is copied as it is, folders included."""
        for folder in list((self.package / "_engine").rglob("__pycache__")):
            shutil.rmtree(folder)

    def _layers(self, sdk: str) -> list[Path]:
        return [
            self.variants / "common",
            *(self.variants / "families" / family for family in self.families),
            self.variants / "frameworks" / self.framework,
            self.variants / "sdks" / sdk,
        ]

    def _previous_sdk(self) -> str | None:
        """Read from the lock, before another is laid over it, which SDK the project stood on."""
        lock = self.project / "requirements.lock"
        locked = lock.read_text(encoding="utf-8", errors="replace") if lock.is_file() else ""
        others = (sdk for sdk in self.sdks if sdk != self.sdk)
        return next((sdk for sdk in others if re.search(rf"^{sdk}==", locked, re.MULTILINE)), None)


def next_steps(framework: str) -> str:
    """Say what to type next in a new project."""
    return f"""
Your package {framework}server is ready. Type next:

    cd {framework}
    make serve      # the sample model that came with it; ask it with `make predict` in a second terminal
    make train      # a model of your own, on sample data; README.md says how to use your CSV file
"""


def renewed(wiring: Wiring, kept: Iterable[Path], template: str) -> str:
    """Say what became of a project that was there before."""
    name = wiring.framework
    lines = [
        "",
        f"The project {name} was there before. The template's files were written again, over your edits;",
        "where it is under git, `git diff` shows what changed. Trained models and files of your own are as they were.",
    ]
    if kept:
        lines += ["", "Kept as you edited them; the template's differ:", ""]
        lines += [f"    {name}/{name}server/{file.as_posix()}" for file in kept]
        lines += ["", "To compare them with the template's:", ""]
        lines += [
            f"    cookiecutter {template} --no-input --output-dir template-of-{name} framework_nm={name}",
            f"    diff -r template-of-{name}/{name}/{name}server/trainer {name}/{name}server/trainer",
        ]
    if wiring.previous and (wiring.project / ".venv").exists():
        title = wiring.sdks[wiring.previous]["title"]
        lines += ["", f"{name}/.venv still holds what {title} needs. Remove it, and `make install` makes a new one."]
    return "\n".join([*lines, ""])


def main() -> int:
    """Finish the project that cookiecutter rendered into the working directory; the status tells cookiecutter."""
    answers = json.loads(ANSWERS)
    framework = answers["framework_nm"]
    families = answers["_frameworks"][framework]["families"]
    wiring = Wiring(Path.cwd(), framework, families, answers["serving_sdk"], answers["_sdks"])
    try:
        kept = wiring.wire()
    except OSError as error:
        print(f"The project is incomplete: {error}. Fix that and run the same command again.", file=sys.stderr)
        return 1
    checkout = f" --checkout {shlex.quote(answers['_checkout'])}" if answers.get("_checkout") else ""
    template = shlex.quote(answers.get("_template") or "THE-TEMPLATE") + checkout
    print(renewed(wiring, kept, template) if wiring.renews else next_steps(wiring.framework))
    return 0


def _listed(metadata: Path) -> list[str]:
    """The files of the model that metadata.json describes, and those that describe it."""
    try:
        files = list(json.loads(metadata.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        files = []
    inside = [name for name in files if isinstance(name, str) and ".." not in Path(name).parts]
    return [*(name for name in inside if not Path(name).is_absolute()), "metadata.json", "metadata.sha256"]


def _files(folder: Path) -> list[Path]:
    """The files below a folder, except the bytecode of whoever ran them there."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _differs(found: Path, source: Path) -> bool:
    """Whether there is such a file, and says something else; git may have changed the ends of its lines."""
    return found.exists() and found.read_bytes().replace(b"\r\n", b"\n") != source.read_bytes().replace(b"\r\n", b"\n")


def _remove_manifests(folder: Path) -> None:
    """Remove a folder of k8s/, except files that the owner put there."""
    for name in ("kustomization.yaml", f"{folder.name}.yaml"):
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
