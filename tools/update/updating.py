"""An update, step by step: what is asked of it, what it finds, what it changes, and what it says is left to do.

Not here: what becomes of each file (merging.py).
"""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bakes import ORIGIN, RELEASES, Refused, bake, read_digests, unpack
from environment import TEMPLATE
from merging import Kind, Plan, Planner, apply
from projects import Project, find


def main(arguments: Sequence[str]) -> int:
    """Update the project that the arguments name; returns the status."""
    given = parse(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return update(given, Path(scratch))
    except Refused as reason:
        print(reason, file=sys.stderr)
        return 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tools/update", description="Bring a project to this template.")
    parser.add_argument("project", type=Path, help="the project's folder")
    parser.add_argument("answers", nargs="*", metavar="QUESTION=ANSWER", help="where it is to be another than before")
    parser.add_argument("--check", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--force-engine", action="store_true", help="renew the engine where you edited it, too")
    parser.add_argument("--no-tests", action="store_true", help="leave the lock and the tests to you")
    parser.add_argument("--template", default="", help="the address to write into .cruft.json")
    given = parser.parse_intermixed_args(arguments)
    wrong = [answer for answer in given.answers if "=" not in answer]
    if wrong:
        parser.error(f'"{wrong[0]}" is no answer: write QUESTION=ANSWER')
    return given


def update(given: argparse.Namespace, scratch: Path) -> int:
    """Do all of it; returns the status. Raises Refused before anything is changed."""
    project = find(given.project.resolve())
    if not given.check:
        project.check_git()
    before = project.answers()
    answers = {**before, **dict(answer.split("=", 1) for answer in given.answers)}
    if answers["framework_nm"] != before["framework_nm"]:
        raise Refused("An update keeps the framework. Generate a project of the other one beside this one.")
    now = bake(TEMPLATE, answers, scratch)
    then = bake_then(project, before, scratch)
    plan = Planner(project, then, now).plan()

    release = release_of(project.folder, project)
    print(f"{project.folder.name}: release {release}, to be brought to {release_of(now, project)}.")
    if not project.state():
        print("It has no .cruft.json, so its answers were read from its files:")
        print("".join(f"\n  {question}={answer}" for question, answer in before.items()))
    if then is None:
        print("\nThe template that made it is not known here, so files that you edited cannot be merged.")
    if plan.edited_engine:
        print(engine_edits(project, then, plan))
        if not (given.force_engine or given.check):
            raise Refused(
                "The engine is the template's, and an update would replace what you edited in it (above). Nothing was "
                "changed. Move your edits to where they can stay (the engine's README.md says how), or let it be "
                "replaced, with copies beside it, NAME.yours: make update FORCE_ENGINE=1"
            )
    print(report(plan))
    if given.check:
        print("\nNothing was changed: this is what `make update` would do.")
        return 0
    try:
        apply(plan, project, now)
        write_origin(project, now, given.template)
    except OSError as error:
        print(f"\nThe update is incomplete: {error}. `git stash --include-untracked` takes it back.", file=sys.stderr)
        return 1
    return finish(given, project, plan, now, release) if plan.changes else 0


def bake_then(project: Project, answers: dict[str, str], scratch: Path) -> Path | None:
    """What the template made of the project then; of several releases that it may be of, what is most like it."""
    written = project.state().get("commit") or ""
    named = RELEASES.get(written, written)
    templates = [unpack(named, scratch)] if named else []
    if not any(templates):
        templates = [unpack(commit, scratch) for commit in RELEASES.values()]
    baked = []
    for template in templates:
        try:
            baked += [bake(template, answers, scratch)] if template else []
        except Refused:  # a release that had not all of the answers
            continue

    def likeness(tree: Path) -> int:
        digests = read_digests(tree / project.engine / "DIGESTS")
        return len(digests.items() & project.recorded.items())

    return max(baked, key=likeness, default=None)


def release_of(tree: Path, project: Project) -> str:
    """The release that a project's engine is of."""
    file = tree / project.engine / "VERSION"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else "of an unknown number"


def engine_edits(project: Project, then: Path | None, plan: Plan) -> str:
    """What the owner edited in the engine, as diff shows it."""
    lines = ["", "Edited in the engine:", ""]
    for name in plan.edited_engine:
        former = then / name if then else None
        if former is None or not former.is_file():
            lines.append(f"  {name}")
            continue
        was, is_now = (
            file.read_text(encoding="utf-8", errors="replace").splitlines() for file in (former, project.folder / name)
        )
        lines += difflib.unified_diff(was, is_now, f"a/{name}", f"b/{name}", lineterm="")
    return "\n".join(lines)


def report(plan: Plan) -> str:
    """What becomes of the files, each by its name; of those that nobody edited, how many there are."""
    lines = []
    for kind in Kind:
        names = plan.of(kind)
        if names and kind in (Kind.ADDED, Kind.RENEWED, Kind.REMOVED):
            lines += [f"\n{len(names)} {'file' if len(names) == 1 else 'files'}: {kind.value}."]
        elif names:
            lines += [f"\n{kind.value[0].upper()}{kind.value[1:]}:\n", *(f"  {name}" for name in names)]
    return "\n".join(lines or ["\nThere is nothing to bring in."])


def write_origin(project: Project, now: Path, address: str) -> None:
    """Write down which template the project is of now, beside what else cruft's file holds."""
    state = {**project.state(), **json.loads((now / ORIGIN).read_text(encoding="utf-8"))}
    state["checkout"] = project.state().get("checkout")
    if address:
        state["template"] = address
    text = json.dumps(state, ensure_ascii=False, indent=2) + "\n"
    (project.folder / ORIGIN).write_bytes(text.encode())


def finish(given: argparse.Namespace, project: Project, plan: Plan, now: Path, release: str) -> int:
    """Resolve the lock where it has to be, run the tests, and say what is left to do; returns the status."""
    todo = []
    conflicts = plan.of(Kind.CONFLICT)
    requirements = "requirements.txt"
    own_requirements = (project.folder / requirements).read_bytes() != (now / requirements).read_bytes()
    if conflicts:
        todo.append("Resolve the conflicts in " + ", ".join(conflicts) + ".")
    beside = plan.of(Kind.BESIDE, Kind.SAVED)
    if beside:
        todo.append("Take what you need from the copies beside " + ", ".join(beside) + ", and remove the copies.")
    failed = bool(conflicts)
    left_out = conflicts or given.no_tests
    if own_requirements and (left_out or not make(project, "lock")):
        todo.append("requirements.txt is not only the template's: `make lock` resolves requirements.lock of it.")
        failed |= not left_out
    if left_out or not make(project, "test"):
        todo.append(
            "Run the tests: `make test`." if left_out else "The tests fail (above). Make them pass: `make test`."
        )
        failed |= not left_out
    todo += notes(release)
    todo.append("Look at it with `git diff`, then commit it; `git stash --include-untracked` takes it back.")
    print("\nDone. What is left to do:\n\n" + "\n".join(f"- {line}" for line in todo))
    return int(failed)


def make(project: Project, target: str) -> bool:
    """Run one of the project's commands, as its owner would; tells whether it succeeded."""
    print(f"\n$ make {target}", flush=True)
    return subprocess.run(["make", target, "ARGS="], cwd=project.folder, check=False).returncode == 0


def notes(release: str) -> list[str]:
    """What docs/updating.md asks of the owner of a project of this release, and of those after it."""
    text = (TEMPLATE / "docs" / "updating.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in text.split("\n## From ")[1:])
    releases = list(RELEASES)
    later = releases[releases.index(release) :] if release in releases else []
    return [
        line[2:]
        for number in later
        for line in sections.get(number, "").split("\n## ")[0].replace("\n  ", " ").splitlines()
        if line.startswith("- ")
    ]
