"""Wires the chosen framework and serving SDK into the generated package, then removes what was not chosen.

Runs in the generated project, which may have been there before (`cookiecutter -f`): then it renews what is the
template's, and no edit of the owner's is lost. `_engine/DIGESTS` lists what the template wrote, so that the next run
knows what was edited. What it copies is plain Python and is copied as it is; whatever depends on an answer is rendered
by cookiecutter, not here. Bad answers never come this far: pre_gen_project.py refuses them. It runs on Python 3.7 and
newer.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: The answers, as data: a JSON string is no Python and no Jinja, whatever it holds.
ANSWERS = r"""{{ cookiecutter | jsonify }}"""

#: The three files of the package that are the owner's to edit.
OWNED = tuple(Path("trainer", name) for name in ("model.py", "preprocessor.py", "postprocessor.py"))

#: Where pre_gen_project.py has moved the files of a project that was there before: whatever is in the places where
#: the template writes, it has written now.
KEPT = ".before"

#: Which template made the project, of which answers: cruft's file, so that cruft updates the project, too.
ORIGIN = ".cruft.json"

#: As cookiecutter knows them without being told.
ABBREVIATIONS = {
    "bb": "https://bitbucket.org/{}",
    "gh": "https://github.com/{}.git",
    "gl": "https://gitlab.com/{}.git",
}

#: In bytes. The template has no larger file: what is larger is data or a model of the owner's, and is not read.
LARGEST = 64 * 1024 * 1024


@dataclass
class Outcome:
    """What became of files that the owner edited, and for which the template has something else, by their names."""

    #: They stay as they were edited.
    kept: list[str] = field(default_factory=list)
    #: They are the template's now; the copies of the edited ones that lie beside them.
    saved: list[str] = field(default_factory=list)


@dataclass
class Wiring:
    """A project to finish: the chosen framework, its families, SDK and CI service, the table of all SDKs, and where the
    template writes."""

    project: Path
    framework: str
    families: Sequence[str]
    sdk: str
    ci: str
    sdks: Mapping[str, Any]
    places: Sequence[str]

    def __post_init__(self) -> None:
        self.variants = self.project / "variants"
        self.package = self.project / f"{self.framework}server"
        self.digests = self.package / "_engine" / "DIGESTS"
        self.before = self.project / KEPT
        #: Whether the project was there before.
        self.renews = (self.before / self.package.name).is_dir()
        #: The SDK that it was made for, if that is another one.
        self.previous = self._previous_sdk()

    def wire(self) -> Outcome:
        """Lay what all packages share, then what families of frameworks do, the framework's files, and the SDK's.

        Raises OSError where a file cannot be written: then the files that were there before are as they were. The
        layers are gone afterwards in any case.
        """
        moved = [path.relative_to(self.before).as_posix() for path in files_below(self.before)]
        try:
            others = self._files_of_other_sdks()
            for name in others:
                _remove(self.project / name)
            self._lay_package()
            self._lay_sample()
            self._lay_ci()
            self._remove_bytecode()
            (self.project / "run_modelserver").chmod(0o755)
            outcome = self._return(self._record(), others)
            self._remove_empty_folders([*others, *moved])
        except OSError:
            for path in files_below(self.before):
                self._give_back(path.relative_to(self.before).as_posix())
            shutil.rmtree(self.before, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(self.variants, ignore_errors=True)
        shutil.rmtree(self.before, ignore_errors=True)
        return outcome

    def _record(self) -> dict[str, str]:
        """Write down what the template wrote; returns the digests by the files' names."""
        places = [place.format(package=self.package.name) for place in self.places]
        found = {path for place in places for path in self.project.glob(place) if path.is_file()}
        written = {path.relative_to(self.project).as_posix(): digest_of(path) for path in found - {self.digests}}
        self.digests.write_bytes("".join(f"{digest}  {name}\n" for name, digest in sorted(written.items())).encode())
        return written

    def _return(self, written: Mapping[str, str], others: Mapping[str, Mapping[str, str]]) -> Outcome:
        """Give the owner's files back: into their places, or beside what the template wrote.

        A file that the template does not know goes back and is not named. What is only as another SDK's is gone.
        """
        recorded = read_digests(self.before / self.digests.relative_to(self.project))
        outcome = Outcome()
        for name, digest in sorted(self._owners_files(recorded).items()):
            former = others.get(name, {})
            if digest == written.get(name) or digest in former.values():
                continue
            if not (name in written or name in recorded or self.previous in former):
                self._give_back(name)
            elif self._stays(name, recorded):
                self._give_back(name)
                outcome.kept.append(name)
            else:
                outcome.saved.append(self._save(name))
        return outcome

    def _give_back(self, name: str) -> None:
        _move(self.before / name, self.project / name)

    def _owners_files(self, recorded: Mapping[str, str]) -> dict[str, str]:
        """Files that are not as the template wrote them, and their digests.

        Where nothing is recorded, because an older template made the project, those are all but the engine's.
        """
        found = {path.relative_to(self.before).as_posix(): digest_of(path) for path in files_below(self.before)}
        engine = f"{self.package.name}/_engine/"
        ours = {self.digests.relative_to(self.project).as_posix(), ORIGIN}
        if not recorded:
            ours |= {name for name in found if name.startswith(engine)}
        return {name: digest for name, digest in found.items() if recorded.get(name) != digest and name not in ours}

    def _stays(self, name: str, recorded: Mapping[str, str]) -> bool:
        """Whether an edited file stays where the template has another: not in the engine, nor beside another SDK."""
        package = self.package.name
        if name in {f"{package}/{owned.as_posix()}" for owned in OWNED}:
            return True
        if name not in recorded or name.startswith((f"{package}/_engine/", f"{package}/example_models/")):
            return False
        return not self.previous or name.startswith(f"{package}/trainer/")

    def _save(self, name: str) -> str:
        """Put the owner's file beside the template's, over no other; returns its name."""
        number = 1
        while True:
            saved = f"{name}.yours{number if number > 1 else ''}"
            if not any((folder / saved).exists() for folder in (self.project, self.before)):
                _move(self.before / name, self.project / saved)
                return saved
            number += 1

    def _lay_package(self) -> None:
        for layer in self._layers(self.sdk):
            for source in files_below(layer):
                _copy(source, self.package / source.relative_to(layer))

    def _lay_sample(self) -> None:
        sample = self.package / "example_models" / "0001"
        new = self.variants / "samples" / self.sdk / self.framework / "0001"
        for source in files_below(new):
            _copy(source, sample / source.relative_to(new))
        _copy(sample / "input.json", self.project / "input.json")
        _copy(self.variants / "locks" / f"{self.framework}-{self.sdk}.lock", self.project / "requirements.lock")

    def _lay_ci(self) -> None:
        """Lay what the CI service reads. Workflows have a template language of their own, so nothing renders them."""
        layer = self.variants / "ci" / self.ci
        for source in files_below(layer):
            _copy(source, self.project / source.relative_to(layer))

    def _files_of_other_sdks(self) -> dict[str, dict[str, str]]:
        """What only other SDKs' projects have: the digests as the template has it, by the file's name and the SDK."""
        ours = {path.relative_to(layer) for layer in self._layers(self.sdk) for path in files_below(layer)}
        found: dict[str, dict[str, str]] = {}
        for sdk in self.sdks:
            layer = self.variants / "sdks" / sdk
            names = {path.relative_to(layer): path for path in files_below(layer)}
            files = {(self.package / name): path for name, path in names.items() if name not in ours}
            for folder in set(self.sdks[sdk]["k8s"]) - set(self.sdks[self.sdk]["k8s"]):
                files.update({path: path for path in (self.project / "k8s" / folder).iterdir() if path.is_file()})
            for path, source in files.items():
                found.setdefault(path.relative_to(self.project).as_posix(), {})[sdk] = digest_of(source)
        return found

    def _remove_empty_folders(self, names: Sequence[str]) -> None:
        """Remove the folders in which there were files of these names, at any depth, and nothing is now."""
        folders = {folder for name in names for folder in Path(name).parents} - {Path()}
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            path = self.project / folder
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()

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
        """Read from the lock which SDK the project stood on."""
        lock = self.before / "requirements.lock"
        locked = lock.read_text(encoding="utf-8", errors="replace") if lock.is_file() else ""
        others = (sdk for sdk in self.sdks if sdk != self.sdk)
        return next((sdk for sdk in others if re.search(rf"^{sdk}==", locked, re.MULTILINE)), None)


def origin(answers: Mapping[str, Any], release: str) -> dict[str, Any]:
    """Say where the project comes from: the template's address, its commit, or its release where git knows none, and
    the answers."""
    address, folder = _address(answers)
    questions = {question: answer for question, answer in answers.items() if not question.startswith("_")}
    return {
        "template": address,
        "commit": _commit(folder) or release,
        "checkout": answers.get("_checkout"),
        "context": {"cookiecutter": questions},
        "directory": None,
    }


def _address(answers: Mapping[str, Any]) -> tuple[str, Path]:
    """The template's address, as git takes it and without a password, and the folder that it was read from."""
    typed = answers.get("_template") or ""
    prefix, _, rest = typed.partition(":")
    address = ABBREVIATIONS[prefix].format(rest) if prefix in ABBREVIATIONS else typed
    address = re.sub("//[^/@]*@", "//", re.sub(r"^git\+", "", address))
    read = answers.get("_repo_dir") or typed
    # A hook runs in the project: where cookiecutter was started is what the shell says, or where it writes to.
    for start in (os.environ.get("PWD"), answers.get("_output_dir"), "."):
        folder = Path(start or ".", read)
        if _is_template(folder, answers):
            return str(folder.resolve()) if read == typed else address, folder
    return address, Path(read)


def _is_template(folder: Path, answers: Mapping[str, Any]) -> bool:
    """Tell whether a folder holds the template that was rendered, by its table of frameworks."""
    try:
        questions = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(questions.get("_frameworks") == answers["_frameworks"])


def _commit(folder: Path) -> str:
    """The commit that is checked out in a folder; "" where it is no clone."""
    command = ["git", "-C", str(folder), "rev-parse", "--show-prefix", "HEAD"]
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return ""
    # The folder of another repository has a prefix, and that repository's commit says nothing of the template.
    prefix, _, commit = said.partition("\n")
    return "" if prefix else commit.strip()


def next_steps(framework: str) -> str:
    """Say what to type next in a new project."""
    return f"""
Your package {framework}server is ready. Type next:

    cd {framework}
    make serve      # the sample model; send it a request with `make predict` in a second terminal
    make train      # a model of your own, on sample data; README.md says how to use your CSV file
"""


def renewed(wiring: Wiring, outcome: Outcome, template: str) -> str:
    """Say what became of a project that was there before."""
    name = wiring.framework
    lines = [
        "",
        f"The project {name} was there before. The engine, and files that you never edited, are now the template's.",
        "Trained models and files of your own have not changed.",
    ]
    if outcome.kept:
        lines += ["", "Kept with your edits, though the template has other versions:", ""]
        lines += [f"    {name}/{file}" for file in outcome.kept]
    if outcome.saved:
        lines += [
            "",
            "Replaced. Your versions are in these copies: take your edits from there, then remove them.",
            "",
        ]
        lines += [f"    {name}/{file}" for file in outcome.saved]
    if outcome.kept:
        lines += ["", "To compare the files that were kept with the template's:", ""]
        lines += [f"    cookiecutter {template} --no-input --output-dir template-of-{name} framework_nm={name}"]
        lines += [f"    diff template-of-{name}/{name}/{file} {name}/{file}" for file in outcome.kept]
    if wiring.previous and (wiring.project / ".venv").exists():
        title = wiring.sdks[wiring.previous]["title"]
        lines += ["", f"{name}/.venv still holds what {title} needs. Remove it, then run `make install`."]
    return "\n".join([*lines, ""])


def main() -> int:
    """Finish the project that cookiecutter rendered into the working directory; the status tells cookiecutter."""
    answers = json.loads(ANSWERS)
    framework = answers["framework_nm"]
    families = answers["_frameworks"][framework]["families"]
    wiring = Wiring(
        Path.cwd(),
        framework,
        families,
        answers["serving_sdk"],
        answers["ci"],
        answers["_sdks"],
        answers["_places"],
    )
    try:
        outcome = wiring.wire()
    except OSError as error:
        print(f"The project is incomplete: {error}. Fix that and run the same command again.", file=sys.stderr)
        return 1
    if "_commit" not in answers:  # which cruft sets, and writes the file itself
        release = (wiring.package / "_engine" / "VERSION").read_text(encoding="utf-8").strip()
        written = json.dumps(origin(answers, release), ensure_ascii=False, indent=2) + "\n"
        (wiring.project / ORIGIN).write_bytes(written.encode())
    checkout = f" --checkout {shlex.quote(answers['_checkout'])}" if answers.get("_checkout") else ""
    template = shlex.quote(answers.get("_template") or "THE-TEMPLATE") + checkout
    print(renewed(wiring, outcome, template) if wiring.renews else next_steps(wiring.framework))
    return 0


def files_below(folder: Path) -> list[Path]:
    """The files below a folder, except the bytecode of whoever ran them there."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def read_digests(file: Path) -> dict[str, str]:
    """The digests of the files that the template wrote, by their names; none where a project has no such list."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def digest_of(path: Path) -> str:
    """The SHA-256 of a file; of text, over lines that end as in git, whatever the checkout's do. Large ones have ""."""
    if path.stat().st_size > LARGEST:
        return ""
    content = path.read_bytes()
    return hashlib.sha256(content if b"\0" in content else content.replace(b"\r\n", b"\n")).hexdigest()


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _move(source: Path, target: Path) -> None:
    """Move a file, over another, but into no folder of its name; a link stays a link."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove(target)
    shutil.move(str(source), str(target))


if __name__ == "__main__":
    sys.exit(main())
